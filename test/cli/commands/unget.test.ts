import { expect, test } from "bun:test";
import { newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import { jsonLines, masked, newHeldLock, objectsOf, printed, semaphoreValue } from "./scenario.ts";

/** A lock that was made and is free. */
async function newFreeLock(): Promise<string> {
  const name = await newHeldLock();
  await resourcelock("unget", name);
  return name;
}

const releasedText = (name: string) => `${name}: released\n`;
const notLockedText = (name: string) => `${name}: was not held\n`;
/** In the words of the seed. */
const seedText = (name: string, message: string) => `<${name}> lock force released  <${message}>\n`;

/** Takes a lock by `get`, and gives the fencing token. */
async function tokenOfGet(name: string): Promise<number> {
  const { stdout } = await resourcelock("get", name, "--json");
  return Number(/"token":(\d+)/.exec(stdout)?.[1]);
}

test("unget releases a lock that another process has got", async () => {
  const name = await newHeldLock();
  expect(await masked("unget", name)).toEqual(printed(releasedText(name)));
  expect(semaphoreValue(name)).toBe(1);
});

test("unget of a lock that is not locked ends with 1 and changes nothing", async () => {
  const name = await newFreeLock();
  expect(await masked("unget", name)).toEqual(printed(notLockedText(name), 1));
  expect(semaphoreValue(name)).toBe(1);
});

test("unget of a lock that nobody has made says so, ends with 1 and makes nothing", async () => {
  const name = newLockName();
  expect(await masked("unget", name)).toEqual(printed(`${name}: there is no such lock\n`, 1));
  expect(objectsOf(name)).toEqual([]);
});

test("unget -m puts its text in the place of cli", async () => {
  const name = await newHeldLock();
  const words = [name, "unget", "-m", "clean-up"];
  expect(await masked(...words)).toEqual(printed(seedText(name, "clean-up")));
  const ignored = `<${name}> Extraneous lock unget request ignored  <clean-up>\n`;
  expect(await masked(...words)).toEqual(printed(ignored, 1));
});

test.each([
  "unget NAME -m why",
  "-m why unget NAME",
  "NAME unget -m why",
  "--message=why NAME unget",
])("%s is understood", async (words) => {
  const name = await newHeldLock();
  const isSeedOrder = words.endsWith("unget") || words.startsWith("NAME");
  const outcome = printed(isSeedOrder ? seedText(name, "why") : releasedText(name));
  expect(await masked(...words.replace("NAME", name).split(" "))).toEqual(outcome);
});

test("unget -q prints nothing, and its status is the same", async () => {
  const name = await newHeldLock();
  expect(await masked("unget", "-q", name)).toEqual(printed(""));
  expect(await masked("unget", "-q", name)).toEqual(printed("", 1));
  expect(await masked("unget", "-q", newLockName())).toEqual(printed("", 1));
});

test("unget -v tells on stderr what it does, and its result once", async () => {
  const name = await newHeldLock();
  const { stdout, stderr } = await masked("unget", name, "-v");
  expect(stdout).toBe(`${name}: released\n`);
  expect(stderr).toBe(
    `resourcelock: debug: <${name}> is currently locked?  <True>  Prior info  <DATE - holder>\n` +
      `resourcelock: debug: ${seedText(name, "cli")}`,
  );
});

test("unget --json prints a complete object, whatever it found", async () => {
  const name = await newHeldLock();
  const free = { name, exists: true, locked: false, value: 1, info: "DATE - holder" };
  expect(await jsonLines("unget", name)).toEqual([{ ...free, released: true }]);
  expect(await jsonLines("unget", name)).toEqual([{ ...free, released: false }]);
  const missing = newLockName();
  expect(await jsonLines("unget", missing)).toEqual([
    { name: missing, exists: false, locked: false, value: null, info: null, released: false },
  ]);
});

test("unget of the lock of a run in progress releases it, and the run's end does not do so again", async () => {
  const name = newLockName();
  const run = startCommand("run", name, "--", "sh", "-c", "echo runs $PPID; read -r line");
  await run.stdout.until("\n");
  const processId = run.stdout.text.trimEnd().slice("runs ".length);
  const hit = `pid ${processId} (sh -c echo runs $PPID; read -r line)`;
  expect(await masked("unget", name)).toEqual({
    ...printed(releasedText(name)),
    stderr: `resourcelock: warning: ${hit} is still running, without lock "${name}"\n`,
  });
  await run.tell("go on\n");
  expect(await run.end()).toMatchObject({
    status: 69,
    stderr: expect.stringMatching(
      /^resourcelock: warning: lock ".*" was released by force by pid \d+ while the command ran\n$/,
    ),
  });
  expect(semaphoreValue(name)).toBe(1);
});

test("unget releases several locks, and ends with 1 when one of them was not locked", async () => {
  const [one, other] = [await newHeldLock(), await newHeldLock()];
  expect((await resourcelock("unget", one, other, "-q")).status).toBe(0);
  expect([one, other].map(semaphoreValue)).toEqual([1, 1]);
  const third = await newHeldLock();
  expect((await resourcelock("unget", one, third, "-q")).status).toBe(1);
  expect(semaphoreValue(third)).toBe(1);
});

test("unget --token releases the hold with that token, and leaves a later one alone with status 0", async () => {
  const name = newLockName();
  const token = await tokenOfGet(name);
  await resourcelock("unget", name, "-q");
  const held = await tokenOfGet(name);
  const spared = await resourcelock("unget", name, "--token", String(token));
  expect(spared).toEqual(printed(`${name}: not released; nobody holds it with token ${token}\n`));
  expect(semaphoreValue(name)).toBe(0);
  expect(await resourcelock("unget", name, "--token", String(token), "-q")).toEqual(printed(""));
  // The Python tool has no such option, and so no words for it.
  expect(await resourcelock(name, "unget", "--token", String(token))).toEqual(printed(""));
  expect(await jsonLines("unget", name, "--token", String(token))).toMatchObject([
    { name, locked: true, released: false },
  ]);
  expect((await resourcelock("unget", name, "--token", String(held), "-q")).status).toBe(0);
  expect(semaphoreValue(name)).toBe(1);
});

test("unget --owner-pid releases what is bound to that process, and nothing else", async () => {
  const name = newLockName();
  const other = startCommand("run", newLockName(), "--", "sh", "-c", "echo runs; read -r line");
  await other.stdout.until("runs");
  const bind = ["get", name, "-q", "--owner-pid", String(other.pid)];
  await resourcelock(...bind);
  const spared = await resourcelock("unget", name, "--owner-pid", String(process.pid));
  const text = `${name}: not released; pid ${process.pid} does not hold it\n`;
  expect(spared).toEqual(printed(text));
  expect(semaphoreValue(name)).toBe(0);
  const released = await resourcelock("unget", name, "--owner-pid", String(other.pid), "-q");
  expect(released.status).toBe(0);
  expect(semaphoreValue(name)).toBe(1);
});

test("unget says whose bound hold it took, unless it is its own caller's", async () => {
  const name = newLockName();
  const owner = startCommand("run", newLockName(), "--", "sh", "-c", "echo runs; read -r line");
  await owner.stdout.until("runs");
  await resourcelock("get", name, "-q", "--owner-pid", String(owner.pid));
  const { stderr } = await resourcelock("unget", name);
  expect(stderr).toMatch(new RegExp(`^resourcelock: warning: [^\\n]*pid ${owner.pid}[^\\n]*\\n$`));
  await resourcelock("get", name, "-q", "--owner-pid", String(process.pid));
  expect((await resourcelock("unget", name)).stderr).toBe("");
});

test.each(["--token=0", "--token=x", "--owner-pid=0", "--owner-pid=-1"])(
  "unget %s is wrong usage",
  async (option) => {
    expect((await resourcelock("unget", "x", option)).status).toBe(64);
  },
);
