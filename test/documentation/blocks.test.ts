/** Runs the blocks of the documentation as they are written: what it shows is what happens. */
import { describe, expect, onTestFinished, test } from "bun:test";
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { haveMountNamespaces, PrivateSharedMemory } from "../faults/private-shared-memory.ts";
import { haveTools, maskDates } from "../support/binary.ts";
import { runScript } from "../support/clone.ts";
import { type Outcome, binary, start } from "../support/process.ts";
import { documentPaths, readDocument } from "./documents.ts";
import type { Block } from "./markdown.ts";

// A host that builds and tests at once is slow, and a recipe of two programs waits.
const root = join(import.meta.dir, "../..");
const documents = await Promise.all(documentPaths.map(readDocument));
const blocks = documents.flatMap((document) => document.blocks);

/** The languages of the blocks that run. */
const languages = new Set(["sh", "console", "ts", "crontab", "ini", "yaml"]);
const runs = ({ language }: Block) => languages.has(language);
const titleOf = ({ file, language, heading, number }: Block) =>
  `${file}: the ${language} block under "${heading}", its number ${number},`;

/** The programs that the cron jobs run, which do nothing here. */
const cronJobs = ["sync-photos", "tidy-photos"];
/** The command of the documentation's service. */
const service = "serve-photos";

/**
 * What each `sh` block prints, line by line, in an order that may differ: by its file and heading, and by
 * its number under the heading if there are several.
 */
const printed: Record<string, readonly (string | RegExp)[]> = {
  "README.md: A cron job that must not overlap": ["the photos are mine"],
  "README.md: A job that must not run for too long": ["done in time"],
  "README.md: A script that only one may run": ["copy the files", "restart the service"],
  "README.md: A lock over a few commands": ["talk to the sensor"],
  "README.md: A deploy in CI": [/^deploy, grant \d+$/],
  "README.md: Two GPUs, six jobs": [1, 2, 3, 4, 5, 6].map(
    (film) => new RegExp(`^film ${film} on GPU [01]$`),
  ),
  "README.md: Many readers, one writer": ["read", "read at the same time", "write alone"],
  "README.md: A lock that several users share": ["everybody in the group can use the lock"],
  "docs/recipes.md: Two programs on one I2C bus": [
    "thermometer: the bus is mine",
    "fan: the bus is mine",
  ],
  "docs/recipes.md: A deploy in CI": [/^deploy 4f2a91c, grant \d+$/],
  "docs/recipes.md: GPU slots, 2": ["blink", "fade"].map(
    (sketch) => new RegExp(`^flash ${sketch} to ttyUSB[01]$`),
  ),
  "docs/recipes.md: GPU slots": [1, 2, 3, 4, 5, 6].map(
    (film) => new RegExp(`^film ${film} on GPU [01]$`),
  ),
  "docs/recipes.md: make -j with a serial step": ["api", "web"].flatMap((step) => [
    `compile ${step}`,
    `link ${step}`,
    `${step} is linked`,
  ]),
  "docs/recipes.md: A lock around a script, 2": ["copy the files", "restart the service"],
  "docs/recipes.md: A lock around a script": [
    /^deploy: locked until pid \d+ ends$/,
    "copy the files",
    "restart the service",
    "deploy: released",
  ],
  "docs/recipes.md: Many short sections in a script": ["read the sensor"],
  "docs/recipes.md: Many short sections in a script, 1": ["read kitchen", "read cellar"],
  "docs/recipes.md: Many short sections in a script, 3": ["i2c-1: locked", "i2c-1: released"],
  "docs/recipes.md: Many short sections in a script, 4": ["0 i2c-1: locked", "0 i2c-1: released"],
  "docs/recipes.md: Many short sections in a script, 5": ["0 i2c-1: locked", "0 i2c-1: released"],
  "docs/guide.md: Only the newest, and no pile-up, 1": [
    "build the newest text",
    "show the newest commit",
  ],
  "docs/guide.md: Only the newest, and no pile-up, 2": ["index what has changed"],
  "docs/guide.md: A command in place of run": ["nothing stays beside this"],
  "docs/guide.md: Holding a lock together": ["read", "read at the same time", "write alone"],
  "docs/guide.md: A lock that users share": ["everybody in the group can use the lock"],
  "docs/monitoring.md: The locks of a host": [],
  "docs/recipes.md: Mail when a job fails": [
    "mail -s photos: exit status 3 root",
    "the disk is full",
  ],
};

/** Whether these are the lines that were told of, each once, in any order. */
function expectLines(lines: string[], told: readonly (string | RegExp)[]): void {
  const rest = [...lines];
  for (const one of told) {
    const found = rest.findIndex((line) => (one instanceof RegExp ? one.test(line) : one === line));
    if (found === -1) rest.push(`missing: ${String(one)}`);
    else rest.splice(found, 1);
  }
  expect(rest).toEqual([]);
}

/** Where blocks run: `resourcelock` is the built program, and each block has a /dev/shm of its own. */
class Surroundings {
  readonly #directory = mkdtempSync(join(tmpdir(), "test-documentation-"));
  readonly #variables: string[];

  constructor() {
    onTestFinished(() => {
      rmSync(this.#directory, { recursive: true });
    });
    const program = this.#link(binary, "bin/resourcelock");
    // In place of the Python module: the peer that was written from the table of a lock's objects.
    const peer = this.#link(join(root, "test/peer/peer.py"), "python/cjnfuncs/resourcelock.py");
    this.#link(root, "work/node_modules/resourcelock");
    this.#link(join(root, "node_modules/bun-types"), "work/node_modules/bun-types");
    for (const job of [...cronJobs, service]) this.#link("/bin/true", `bin/${job}`);
    // It runs its words, as chronic does; what is mailed is printed.
    this.#link("/usr/bin/env", "bin/chronic");
    this.#link(join(import.meta.dir, "mail.sh"), "bin/mail");
    this.#variables = [
      `PATH=${dirname(program)}:${process.env["PATH"] ?? ""}`,
      `PYTHONPATH=${dirname(dirname(peer))}`,
      "PYTHONDONTWRITEBYTECODE=1",
      "SHELL=/bin/sh",
    ];
  }

  get work(): string {
    return join(this.#directory, "work");
  }

  #link(target: string, name: string): string {
    const path = join(this.#directory, name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
    return path;
  }

  /** Has a script called in place of the program. */
  async replaceProgram(text: string): Promise<void> {
    const path = join(this.#directory, "bin/resourcelock");
    rmSync(path);
    await Bun.write(path, text);
    chmodSync(path, 0o755);
  }

  /** Runs a program on a file with a text. */
  async run(words: readonly string[], file: string, text: string): Promise<Outcome> {
    await Bun.write(join(this.work, file), text);
    await using sharedMemory = await PrivateSharedMemory.mount("size=1m");
    return await sharedMemory.run(
      "env",
      `--chdir=${this.work}`,
      ...this.#variables,
      ...words,
      file,
    );
  }
}

/** A script that does what a terminal shows: each command after its prompt, and all that it says. */
function scriptOf(session: string): string {
  const steps = [...session.matchAll(/^\$ (.*(?:\n> .*)*)/gm)].map(([shown, command = ""]) => {
    const prompt = `printf '%s\\n' '${shown.replaceAll("'", String.raw`'\''`)}'`;
    return `${prompt}\n(exit "$readme_status")\n${command.replaceAll("\n> ", "\n")}\nreadme_status=$?`;
  });
  return ["exec 2>&1", "readme_status=0", ...steps].join("\n");
}

/** A session that answers some requests, and dies before the next. */
const dyingSession = (answers: number) => `#!/bin/sh
${'read -r request; echo "0 i2c-1: locked"\n'.repeat(answers)}`;

/** What bash says of a job that was killed: a terminal shows it elsewhere, and README does not. */
const withoutJobs = (text: string) => text.replaceAll(/^\S+: line \d+: +\d+ Killed .*\n/gm, "");

/** What a program prints of processes, times and tokens, which differ at each run. */
function maskStatus(text: string): string {
  return text
    .replace(/\bpid \d+/g, "pid PID")
    .replace(/ \d+s\b/g, " TIME")
    .replace(/"token":\d+/g, '"token":TOKEN')
    .replace(/"since":[\d.]+/g, '"since":SINCE');
}

/** The types that a project finds in a linked clone, made by the first block that needs them. */
let madeTypes: Promise<string> | undefined;

/** What is under `script`, `run` or `cmd`, wherever that stands. */
function scriptsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const isScript = ["script", "run", "cmd"].includes(key);
    if (isScript && typeof inner === "string") return [inner];
    if (isScript && Array.isArray(inner)) return inner.map(String);
    return scriptsIn(inner);
  });
}

/** Whether the program prints the metrics that alerts are about. */
async function checkAlerts(text: string, surroundings: Surroundings): Promise<void> {
  const words = "resourcelock get held -q && resourcelock list --prometheus --held-over 1h";
  const { stdout } = await surroundings.run(["sh", "-e"], "metrics.sh", words);
  const printedNames = new Set(stdout.match(/^resourcelock_\w+/gm));
  const used = text.match(/\bresourcelock_\w+/g) ?? [];
  expect(used).not.toBeEmpty();
  for (const metric of used) expect(printedNames).toContain(metric);
}

const done = { status: 0, stdout: expect.any(String), stderr: expect.any(String) };

const check: Record<string, (block: Block, surroundings: Surroundings) => Promise<void>> = {
  async sh({ file, text, heading, number }, surroundings) {
    const outcome = await surroundings.run(["bash", "-e"], "block.sh", text);
    expect(outcome).toEqual(done);
    const lines = outcome.stdout.split("\n").filter((line) => line !== "");
    expectLines(
      lines,
      printed[`${file}: ${heading}, ${number}`] ??
        printed[`${file}: ${heading}`] ?? ["what it prints is not told above"],
    );
  },

  /** Each job by itself, with the shell and the variables that cron gives it. */
  async crontab({ text }, surroundings) {
    const lines = text.split("\n");
    const variables = lines.filter((line) => /^\w+=/.test(line));
    const jobs = lines.filter((line) => !variables.includes(line));
    expect(variables).toBeArrayOfSize(1);
    expect(jobs).not.toBeEmpty();
    for (const job of jobs) {
      const [, time, command = ""] = /^((?:[\d*/]+ +){5})(\S.*)$/.exec(job) ?? [];
      expect(time).toBeDefined();
      expect(cronJobs).toContain(/ -- (?:chronic )?(\S+)$/.exec(command)?.[1] ?? "");
      const outcome = await surroundings.run(["sh", "-e"], "job.sh", command);
      expect(outcome).toEqual({ status: 0, stdout: "", stderr: "" });
    }
  },

  /** The command of a service, as systemd splits it: into words, without a shell. A timer has none. */
  async ini({ text }, surroundings) {
    const commands = [...text.matchAll(/^ExecStart=(.*)$/gm)].map(([, command = ""]) => command);
    expect(commands.length + [...text.matchAll(/^OnCalendar=/gm)].length).toBe(1);
    for (const command of commands) {
      const words = command.replace("/usr/bin/resourcelock", "resourcelock").replace(/\/\S+\//, "");
      expect(await surroundings.run(["sh", "-e"], "unit.sh", words)).toMatchObject({ status: 0 });
    }
  },

  /** The scripts of a CI server's jobs and the command of an Ansible task, each in a plain shell. */
  async yaml({ text }, surroundings) {
    const parsed = Bun.YAML.parse(text);
    if (text.includes("alert:")) return await checkAlerts(text, surroundings);
    const scripts = scriptsIn(parsed);
    expect(scripts).not.toBeEmpty();
    for (const script of scripts) {
      await Bun.write(join(surroundings.work, "deploy.sh"), "#!/bin/sh\necho deployed\n");
      chmodSync(join(surroundings.work, "deploy.sh"), 0o755);
      const outcome = await surroundings.run(["bash", "-e"], "job.sh", script);
      expect(outcome).toEqual({ status: 0, stdout: "deployed\n", stderr: "" });
    }
  },

  async console({ text }, surroundings) {
    const { stdout } = await surroundings.run(["bash"], "session.sh", scriptOf(text));
    expect(maskStatus(maskDates(withoutJobs(stdout)))).toBe(maskStatus(maskDates(`${text}\n`)));
  },

  async ts({ text }, surroundings) {
    await (madeTypes ??= runScript(["types"]));
    expect(await surroundings.run([process.execPath], "example.ts", text)).toEqual(done);
    const config = { extends: join(root, "tsconfig.json"), include: ["*.ts"] };
    await Bun.write(join(surroundings.work, "tsconfig.json"), JSON.stringify(config));
    const types = start([process.execPath, "check"], { cwd: surroundings.work });
    expect(await types.end()).toEqual(done);
  },
};

/** What sets up and builds the clone. */
const [first, ...others] = blocks.filter(runs);

test("README begins with commands that a fresh clone has", () => {
  const commands = first?.text.split("\n").map((line) => line.split(" ")[0] ?? "") ?? [];
  expect(commands).toEqual(["./scripts/resourcelock", "./scripts/test"]);
  for (const command of commands) accessSync(join(root, command), constants.X_OK);
});

const canIsolate = await haveMountNamespaces();

describe.skipIf(!canIsolate)("the documentation:", () => {
  for (const block of others) {
    const tools = ["make", "node", "perl", "python3"].filter((tool) =>
      block.text.includes(`\n${tool} `),
    );
    test.skipIf(!haveTools(...tools))(`${titleOf(block)} does what it shows`, async () => {
      await check[block.language]?.(block, new Surroundings());
    });
  }
});

describe.skipIf(!canIsolate)("the recipes of a session:", () => {
  const recipes = blocks.filter(
    ({ file, heading, language }) =>
      `${file}: ${heading}` === "docs/recipes.md: Many short sections in a script" &&
      language === "sh",
  );
  for (const block of recipes) {
    const tools = ["node", "perl", "python3"].filter((tool) => block.text.includes(`\n${tool} `));
    test.skipIf(!haveTools(...tools))(
      `${titleOf(block)} fails when its session dies under the lock`,
      async () => {
        const surroundings = new Surroundings();
        await surroundings.replaceProgram(dyingSession(1));
        const { status, stdout } = await surroundings.run(["bash"], "block.sh", block.text);
        expect({ status, stdout }).not.toMatchObject({ status: 0 });
        expect(stdout).not.toContain("cellar");
      },
    );
  }

  test("that of bash reads no sensor without the lock when its session dies between two", async () => {
    const surroundings = new Surroundings();
    await surroundings.replaceProgram(dyingSession(2));
    // Bash has then closed the pipes, so that nothing dies by SIGPIPE.
    const untilGone = 'while kill -0 "$LOCK_PID"; do sleep 0.01; done 2>/dev/null';
    const text = recipes[0]?.text.replace("\ndone", `\n${untilGone}\ndone`) ?? "";
    expect(text).toContain(untilGone);
    const { status, stdout } = await surroundings.run(["bash"], "block.sh", text);
    expect({ status, stdout }).toEqual({ status: 71, stdout: "read kitchen\n" });
  });
});

test("the documentation has few blocks that do not run, each for a reason", () => {
  const resting = blocks.filter((block) => !runs(block));
  const reasons = [
    ["README.md, resourcelock", "a picture: test/cli/commands/history.test.ts"],
    [
      "README.md, Install",
      "apt needs root and the package: test/package installs it on fresh systems",
    ],
    ["docs/across-hosts.md, One host, to try it", "it needs a server: test/etcd has the commands"],
    ["docs/across-hosts.md, One host, to try it", "the same"],
    ["docs/across-hosts.md, Three hosts, with TLS", "the same: test/etcd/security.test.ts"],
    ["docs/across-hosts.md, Three hosts, with TLS", "the same: a role, in the same file"],
    ["docs/across-hosts.md, In a program", "the same: test/etcd/etcd-lock.test.ts"],
    ["docs/guide.md, Deadlocks", "it takes two jobs: test/cli/commands/deadlock.test.ts"],
    ["docs/install.md, Install", "apt needs root, as above"],
    ["docs/install.md, Install", "the tarball is made later: test/package unpacks it"],
    [
      "docs/install.md, Install",
      "scripts/build has made the program under test; install needs root",
    ],
    [
      "docs/library.md, Add it to a project",
      "a part of a file; the blocks of the library run with such a link",
    ],
    ["docs/library.md, A lock across hosts", "needs a server: test/etcd/etcd-lock.test.ts"],
    [
      "docs/monitoring.md, Watching locks",
      "a terminal's picture: test/cli/commands/trace-terminal.test.ts",
    ],
    [
      "docs/monitoring.md, Watching locks",
      "half a minute of work of many: test/cli/commands/history.test.ts",
    ],
    ["docs/monitoring.md, Watching locks", "the same"],
  ];
  expect(resting.map(({ file, heading }) => `${file}, ${heading}`)).toEqual(
    reasons.map(([block = ""]) => block),
  );
});
