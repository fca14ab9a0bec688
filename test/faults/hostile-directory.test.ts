import { afterEach, afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { casesOf, haveTools, newLockName } from "../support/binary.ts";
import { type Outcome, binary, runToEnd } from "../support/process.ts";
import { filesOf, newFreeLock, newHeldLock, objectsOf, removeLocks } from "./lock-files.ts";
import { heldStateText, maskTimes } from "./outcome.ts";
import { callsBelow, pathsOf, systemCalls } from "./system-calls.ts";
afterEach(removeLocks);

const parent = mkdtempSync(`${tmpdir()}/resourcelock-`);
/** A directory with everything in it that makes Bun, or a loader, run code or change its ways. */
const hostile = `${parent}/hostile`;
/** One with nothing in it, to compare with. */
const plain = `${parent}/plain`;
/** Made by the evil code, when it runs. */
const marker = `${parent}/marker`;

beforeAll(() => {
  mkdirSync(plain);
  const evil = `require("node:fs").appendFileSync(${JSON.stringify(marker)}, __filename + "\\n");\n`;
  const preload = 'preload = ["./evil.ts"]\n';
  const files: Record<string, string> = {
    "evil.ts": evil,
    "evil.js": evil,
    "bunfig.toml": `${preload}[run]\n${preload}[test]\n${preload}`,
    ".bunfig.toml": preload,
    ".env": "BUN_OPTIONS=--preload=./evil.ts\nSHELL=./evil.sh\nTZ=Asia/Tokyo\nEVIL=1\n",
    ".env.local": "EVIL=1\n",
    ".env.production": "EVIL=1\n",
    ".env.development": "EVIL=1\n",
    "package.json": JSON.stringify({
      name: "resourcelock",
      main: "./evil.ts",
      imports: { "#*": "./evil.ts" },
      scripts: { get: "./evil.sh", state: "./evil.sh", run: "./evil.sh" },
    }),
    "tsconfig.json": JSON.stringify({ compilerOptions: { paths: { "*": ["./evil.ts"] } } }),
    "libc.so.6": "not a library",
    "librt.so.1": "not a library",
    "evil.sh": `#!/bin/sh\necho evil.sh >>'${marker}'\n`,
    true: `#!/bin/sh\necho true >>'${marker}'\n`,
    "main.ts": evil,
    "root/resourcelock.js": evil,
    "node_modules/package.json": "{}",
  };
  for (const module of ["citty", "consola", "consola/core", "bun:ffi", "node:fs", "resourcelock"]) {
    files[`node_modules/${module}/package.json`] = '{ "main": "index.js" }';
    files[`node_modules/${module}/index.js`] = evil;
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${hostile}/${path}`), { recursive: true });
    writeFileSync(`${hostile}/${path}`, text, { mode: 0o755 });
  }
});

afterAll(() => {
  rmSync(parent, { recursive: true, force: true });
});

function resourcelockIn(
  cwd: string,
  words: string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  return runToEnd([binary, ...words], { cwd, env });
}

/** Takes a lock, looks at it, releases it, runs a command; what all of that says, with names, times and tokens masked. */
async function life(cwd: string, env: Record<string, string> = {}): Promise<string> {
  const name = newLockName();
  const outcomes: Outcome[] = [];
  for (const words of [
    ["get", name, "-m", "who"],
    ["get", name, "-t", "0", "-v"],
    ["state", name],
    ["state", name, "--json"],
    ["unget", name],
    ["run", name, "--", "sh", "-c", "printenv EVIL RESOURCELOCK_NAME; echo ran; exit 3"],
    ["run", name, "-c", "echo ran"],
    ["get", name, "-a", "0.01"],
    ["state", name],
    ["-V"],
    ["get", "--help"],
    ["get", name, "--no-such-option"],
  ]) {
    outcomes.push(await resourcelockIn(cwd, words, env));
  }
  expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
  const said = JSON.stringify(outcomes, null, 1).replaceAll(name, "NAME");
  return maskTimes(said)
    .replace(/(token|since)(\W+)\d[\d.]*/g, "$1$2NUMBER")
    .replace(/released (just now|\d+s ago) after [\d.]+m?s/g, "released AGO after TIME");
}

/** What it says where nothing is hostile. */
let usual: Promise<string> | undefined;
const usualLife = () => (usual ??= life(plain));

const evilCodeThatRan = () => (existsSync(marker) ? readFileSync(marker, "utf8") : "");

test("a hostile current directory changes nothing", async () => {
  expect(await usualLife()).toContain('"stdout": "NAME\\nran\\n"');
  expect(await usualLife()).toContain(JSON.stringify(heldStateText("NAME", "who")));
  expect(await life(hostile)).toBe(await usualLife());
  expect(evilCodeThatRan()).toBe("");
});

test("a hostile home directory changes nothing", async () => {
  const homes = ["HOME", "XDG_CONFIG_HOME", "BUN_INSTALL", "BUN_TMPDIR", "NODE_PATH"];
  const env = Object.fromEntries(homes.map((variable) => [variable, hostile]));
  expect(await life(plain, env)).toBe(await usualLife());
  expect(await life(hostile, env)).toBe(await usualLife());
  expect(evilCodeThatRan()).toBe("");
});

/** Words that make Bun do something else, or run a file first. */
const bunOptions = [
  "--preload=./evil.ts",
  "--preload ./evil.ts",
  "-r ./evil.js",
  "--require=./evil.js",
  "--import=./evil.ts",
  "--config=./bunfig.toml",
  "--env-file=.env",
  "--cwd=/",
  "./evil.ts",
  "--version",
  "--help",
  "--smol",
  "--inspect-wait=./socket",
  "-- --preload=./evil.ts",
  "--disallow-code-generation-from-strings --preload=./evil.ts",
];

const variables = [
  ...bunOptions.map((value) => ["BUN_OPTIONS", value] as const),
  ["NODE_OPTIONS", "--require=./evil.js"] as const,
  ["NODE_PATH", "."] as const,
  ["BUN_INSPECT_NOTIFY", "unix://./socket"] as const,
];

test.each(casesOf(4, variables))(
  "%s=%s in the environment changes nothing",
  async (variable, value) => {
    expect(await life(hostile, { [variable]: value })).toBe(await usualLife());
    expect(evilCodeThatRan()).toBe("");
  },
);

// Bun looks at these before it looks at what it was built with: it may refuse to start, but no more than that.
test.each([
  ["BUN_INSPECT", "ws+unix://./socket?wait=1"],
  ["BUN_INSPECT_CONNECT_TO", "./socket"],
  ["BUN_INSPECT_PRELOAD", "./evil.ts"],
])("%s=%s in the environment runs no code: the binary works or refuses", async (...variable) => {
  const [key, value] = variable;
  const env = { [key]: value };
  const name = newLockName();
  const get = await resourcelockIn(hostile, ["get", name, "-m", "who"], env);
  if (get.status === 0) {
    expect(maskTimes(get.stdout)).toBe(
      `${name}: locked; release it with: resourcelock unget ${name}\n`,
    );
    expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
    await resourcelockIn(plain, ["unget", name]);
  } else {
    expect(get.stdout).toBe("");
    expect(get.stderr).not.toBe("");
    expect(filesOf(name)).toEqual({});
  }
  const run = await resourcelockIn(hostile, ["run", name, "--", "sh", "-c", "echo ran"], env);
  expect(run.stdout).toBe(run.status === 0 ? "ran\n" : "");
  expect(run.status === 0).toBe(get.status === 0);
  expect(evilCodeThatRan()).toBe("");
});

describe.skipIf(!haveTools("strace"))("as strace sees it", () => {
  test("a program that looks into the current directory is found out", async () => {
    const all = await systemCalls(hostile, ["/bin/sh", "-c", ". ./.env"]);
    expect(callsBelow(hostile, all).join("\n")).toContain('"./.env"');
  });

  const commandLines: [words: string, touches: string, lock: "held" | "free"][] = [
    ["get NAME", "/dev/shm/NAME", "free"],
    ["get NAME -t 0.01", "/dev/shm/sem.NAME", "held"],
    ["get NAME -a 0.01 --json -v", "/dev/shm/NAME", "free"],
    ["state NAME", "/dev/shm/NAME", "free"],
    ["state NAME --json -v", "/dev/shm/NAME", "held"],
    ["unget NAME", "/dev/shm/NAME", "held"],
    ["run NAME -n -- true", "/dev/shm/NAME", "held"],
    ["run NAME -t 1.1 -- true", "/dev/shm/NAME", "held"],
    ["run NAME -v -- /bin/sh -c exit", "/dev/shm/NAME", "free"],
    ["run NAME -- /nonexistent", "/nonexistent", "free"],
    ["run NAME -c exit", "/dev/shm/NAME", "free"],
    ["run NAME -- no-such-command", "no-such-command", "free"],
    ["-V", binary, "free"],
    ["--help", binary, "free"],
    ["run --help", binary, "free"],
    ["get sem.NAME", binary, "free"],
    ["get NAME --no-such-option", binary, "free"],
  ];

  test.each(casesOf(6, commandLines))(
    "%s opens, looks at and starts nothing below the current directory, and talks to nobody",
    async (words, touches, lock) => {
      const name = lock === "held" ? await newHeldLock() : await newFreeLock();
      const all = await systemCalls(hostile, [binary, ...words.replace("NAME", name).split(" ")]);
      const touched = all.flatMap(pathsOf).join("\n");
      expect(touched).toContain(touches.replace("NAME", name));
      expect(callsBelow(hostile, all)).toEqual([]);
      expect(all.filter((call) => call.startsWith("socket("))).toEqual([]);
    },
  );

  test.each(casesOf(3, bunOptions))(
    "BUN_OPTIONS=%s in the environment makes it open nothing below the current directory",
    async (value) => {
      const name = newLockName();
      const all = await systemCalls(hostile, [binary, "get", name], { BUN_OPTIONS: value });
      expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
      expect(callsBelow(hostile, all)).toEqual([]);
      expect(all.filter((call) => call.startsWith("socket("))).toEqual([]);
    },
  );

  test("making a lock touches nothing below the current directory", async () => {
    const name = newLockName();
    const all = await systemCalls(hostile, [binary, "get", name]);
    expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
    expect(callsBelow(hostile, all)).toEqual([]);
  });
});
