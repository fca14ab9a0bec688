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
const notLockedText = (name: string) => `${name}: was not locked\n`;
/** In the words of the seed. */
const seedText = (name: string, message: string) => `<${name}> lock force released  <${message}>\n`;

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
  expect(await masked("unget", name)).toEqual(
    printed(`lock "${name}" does not exist on this host\n`, 1),
  );
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

test("unget -v tells on stderr what it does, and stdout is the same", async () => {
  const name = await newHeldLock();
  const { stdout, stderr } = await masked("unget", name, "-v");
  expect(stdout).toBe(seedText(name, "cli"));
  expect(stderr).toBe(
    `resourcelock: debug: <${name}> is currently locked?  <True>  Prior info  <DATE - holder>\n` +
      `resourcelock: debug: ${seedText(name, "cli")}` +
      `resourcelock: debug: <${name}> semaphore = 1\n`,
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
    status: 0,
    stderr: `resourcelock: warning: lock "${name}" was released by force while the command ran\n`,
  });
  expect(semaphoreValue(name)).toBe(1);
});
