import { describe, expect, test } from "bun:test";
import {
  bash,
  maskDates,
  newLockName,
  resourcelock,
  startCommand,
  startScript,
} from "../../support/binary.ts";
import {
  detachedHolder,
  heldText,
  jsonLines,
  masked,
  newHeldLock,
  objectsOf,
  printed,
  semaphoreValue,
  untilWaiting,
  waitText,
} from "./scenario.ts";

const signals = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

const grantedText = (name: string) =>
  `${name}: locked; release it with: resourcelock unget ${name}\n`;
/** In the words of the seed. */
const seedGrantedText = (name: string, message = "cli") =>
  `<${name}> lock request successful - Granted         <DATE - ${message}>\n`;
/** What is said on stderr of a lock that somebody else has. */
const refused = (name: string, status: number) => ({
  status,
  stdout: "",
  stderr: `resourcelock: lock "${name}": not free; ${heldText()}\n`,
});
const releasedText = (name: string) => `${name}: released\n`;

test("get takes a lock that nobody has made, and the lock stays when it has ended", async () => {
  const name = newLockName();
  expect(await masked("get", name)).toEqual(printed(grantedText(name)));
  expect(semaphoreValue(name)).toBe(0);
  expect(objectsOf(name).toSorted()).toEqual([`sem.${name}`, name, `${name}.ledger`]);
});

test("get of a lock that stays locked waits, ends with 75 and tells who has it", async () => {
  const name = await newHeldLock();
  const start = performance.now();
  expect(await masked("get", name)).toEqual({
    status: 75,
    stdout: "",
    stderr: `${waitText(name)}resourcelock: lock "${name}": gave up after TIME; ${heldText()}\n`,
  });
  // It may take longer, but not less.
  expect(performance.now() - start).toBeGreaterThan(500);
});

test("get -t 0 of a locked lock does not wait", async () => {
  const name = await newHeldLock();
  expect(await masked("get", name, "-t", "0")).toEqual(refused(name, 75));
});

test.each([
  ["-E", "3", 3],
  ["-E", "1", 1],
  ["--conflict-exit-code=255", undefined, 255],
] as const)("get %s %s changes the status of a lock that was not granted", async (...row) => {
  const [option, value, status] = row;
  const name = await newHeldLock();
  const words = value === undefined ? [option] : [option, value];
  expect(await masked("get", name, "-t0", ...words)).toEqual(refused(name, status));
});

test.each(["0.05", ".05", "0.", "50ms", "0.05s", "0.001m", "0.00001h"])(
  "get -t %s is over soon",
  async (time) => {
    const name = await newHeldLock();
    expect((await resourcelock("get", name, "-t", time)).status).toBe(75);
  },
);

/** Starts a `get -a 0` for each of some ways to write a timeout, and waits until all have waited over a second. */
async function startLongWaiters(name: string, ways: readonly (readonly string[])[]) {
  const waiters = ways.map((words) => startCommand("get", name, ...words, "-a", "0"));
  for (const { stderr } of waiters) await stderr.until(" for lock ");
  return waiters;
}

test.each([
  ["for ever", [["-t", "-1"], ["-t-1"], ["--get-timeout=-1"], ["--get-timeout", "-1"], ["-t=-1"]]],
  ["long", [["-t", "60000ms"], ["-t30s"], ["--get-timeout", "5m"], ["--get-timeout=1h"]]],
])("get waits %s, however that is written, until an unget comes", async (_, ways) => {
  const name = await newHeldLock();
  const waiters = await startLongWaiters(name, ways);
  await resourcelock("unget", name);
  for (const waiter of waiters) {
    const { status, stdout } = await waiter.end();
    expect({ status, lines: stdout.split("\n") }).toEqual({
      status: 0,
      lines: [`${name}: locked for 0ms`, `${name}: released`, ""],
    });
  }
  expect(semaphoreValue(name)).toBe(1);
});

test("get -t -1 that is granted ends, and the lock stays", async () => {
  const name = await newHeldLock();
  const get = startCommand("get", name, "-t", "-1");
  await untilWaiting(name);
  await resourcelock("unget", name);
  const { status, stdout } = await get.end();
  expect({ status, stdout }).toEqual({ status: 0, stdout: grantedText(name) });
  expect(semaphoreValue(name)).toBe(0);
});

test.each([
  "get NAME -t 0 -m why",
  "-t 0 -m why get NAME",
  "-t0 get -mwhy NAME",
  "get --message why --get-timeout 0 NAME",
  "get -m why -t 0 -- NAME",
  "NAME get -t 0 -m why",
  "NAME -m why get -t 0",
  "--message=why NAME --get-timeout=0 get",
  "/NAME get -t 0 -m why",
])("%s is understood", async (words) => {
  const name = newLockName();
  const isSeedOrder = words.indexOf("NAME") < words.search(/\bget\b(?!-)/);
  expect(await masked(...words.replace("NAME", name).split(" "))).toEqual(
    printed(isSeedOrder ? seedGrantedText(name, "why") : grantedText(name)),
  );
});

test("a lock may have a command's name, with a slash before it", async () => {
  // It is the same lock for all test runs of this host, so they take turns.
  const { status, stdout } = await bash(`
    exec 9</dev/shm
    flock 9
    trap 'rm -f /dev/shm/get /dev/shm/sem.get /dev/shm/get.ledger' EXIT
    resourcelock get /get -q
    resourcelock state /get
    resourcelock unget /get
    resourcelock /get get -q
    resourcelock /get unget
  `);
  expect({ status, lines: stdout.split("\n") }).toEqual({
    status: 0,
    lines: [
      expect.stringMatching(/^get: held by cli \(no process\) for \d+s; release it with: /),
      "get: released",
      "<get> lock force released  <cli>",
      "",
    ],
  });
});

test("get -m stores its text as it is", async () => {
  const name = newLockName();
  const { stdout } = await masked(name, "get", "-m", "Jürgen 🔒 <a> %s");
  expect(stdout).toBe(seedGrantedText(name, "Jürgen 🔒 <a> %s"));
});

test("get -q prints nothing, and its status is the same", async () => {
  const name = newLockName();
  expect(await masked("get", name, "-q")).toEqual(printed(""));
  const timedOut = await masked("get", name, "-q", "-t", "0");
  expect(timedOut).toEqual(printed("", 75));
});

test("get -v tells on stderr what it does, and its result once", async () => {
  const name = newLockName();
  const { stdout, stderr } = await masked("get", name, "-v");
  expect(stdout).toBe(grantedText(name));
  const debug = `<${name}> is currently locked?  <False>  Prior info  <>\n`;
  expect(stderr).toBe(`resourcelock: debug: ${debug}resourcelock: debug: ${seedGrantedText(name)}`);
  const inSeedOrder = newLockName();
  expect((await masked(inSeedOrder, "get", "-v")).stdout).toBe(seedGrantedText(inSeedOrder));
});

test("get --json prints a complete object", async () => {
  const name = newLockName();
  const state = { name, exists: true, locked: true, value: 0, info: "DATE - cli" };
  const token = expect.any(Number);
  expect(await jsonLines("get", name)).toEqual([{ ...state, granted: true, token }]);
  expect(await jsonLines("get", name, "-t", "0")).toEqual([
    {
      ...state,
      granted: false,
      reason: "timeout",
      by: [],
      holders: [expect.objectContaining({ command: "cli", attachment: "detached", token })],
    },
  ]);
});

test("get --json has the token that state --json shows, and the next grant's is higher", async () => {
  const name = newLockName();
  const grant = () => resourcelock("get", name, "--json");
  const [first, { stdout: state }] = [await grant(), await resourcelock("state", name, "--json")];
  await resourcelock("unget", name);
  const second = await grant();
  const { token } = JSON.parse(first.stdout);
  expect(JSON.parse(state)).toMatchObject({ holders: [detachedHolder("cli", token)] });
  expect(JSON.parse(second.stdout).token).toBeGreaterThan(token);
});

test("get -a --json prints a line for the grant and one for the release", async () => {
  const name = newLockName();
  expect(await jsonLines("get", name, "-a", "0")).toEqual([
    {
      name,
      exists: true,
      locked: true,
      value: 0,
      info: "DATE - cli",
      granted: true,
      token: expect.any(Number),
    },
    { name, exists: true, locked: false, value: 1, info: "DATE - cli", released: true },
  ]);
});

test("get -a releases the lock after a time", async () => {
  const name = newLockName();
  expect(await masked("get", name, "-a", "0.2")).toEqual(
    printed(`${name}: locked for 200ms\n${releasedText(name)}`),
  );
  expect(semaphoreValue(name)).toBe(1);
});

test("get -a of a lock that is not granted releases nothing", async () => {
  const name = await newHeldLock();
  expect((await resourcelock("get", name, "-t", "0", "-a", "0")).status).toBe(75);
  expect(semaphoreValue(name)).toBe(0);
});

test("get -a whose lock somebody else has released meanwhile says so, and releases nothing", async () => {
  const name = newLockName();
  const get = startCommand("get", name, "-a", "60");
  await get.stdout.until(": locked");
  await resourcelock("unget", name);
  get.signal("SIGINT");
  const { stdout } = await get.end();
  expect(stdout).toEndWith(`\n${name}: was not held\n`);
  expect(semaphoreValue(name)).toBe(1);
});

describe.each(signals)("%s", (signal, status) => {
  test("to get -a releases the lock, and get dies of it", async () => {
    const name = newLockName();
    const get = startCommand("get", name, "-a", "60");
    await get.stdout.until(": locked");
    get.signal(signal);
    const { stdout, ...ending } = await get.end();
    expect(maskDates(stdout)).toBe(`${name}: locked for 1m00s\n${releasedText(name)}`);
    expect(ending).toEqual({ status, stderr: "" });
    expect(get.endedBy).toBe(signal);
    expect(semaphoreValue(name)).toBe(1);
  });

  test("to a get that waits ends it, and nothing is taken", async () => {
    const name = await newHeldLock();
    const get = startCommand("get", name, "-t", "-1", "-q");
    await untilWaiting(name);
    get.signal(signal);
    expect(await get.end()).toEqual(printed("", status));
    expect(get.endedBy).toBe(signal);
    await resourcelock("unget", name);
    expect(semaphoreValue(name)).toBe(1);
  });

  test("to get -a that was started with it ignored does nothing", async () => {
    const name = newLockName();
    const get = startScript(
      `ulimit -c 0; trap '' ${signal}; exec "$RESOURCELOCK" get ${name} -a 60`,
    );
    await get.stdout.until(": locked");
    get.signal(signal);
    get.signal("SIGQUIT");
    await get.end();
    expect(get.endedBy).toBe("SIGQUIT");
    expect(semaphoreValue(name)).toBe(1);
  });
});

const refusedUnderRun = (name: string) =>
  `resourcelock: Cannot wait for lock "${name}": a run around this get holds it and waits for this get to end\n`;
const under = (name: string, words: string, options = "") =>
  bash(`resourcelock run ${options} ${name} -c '"$RESOURCELOCK" ${words}'`);

describe("get under a hold of the same lock", () => {
  test("is refused at once, with 75 or the status of -E", async () => {
    const name = newLockName();
    expect(await under(name, `get ${name} -t -1`)).toEqual({
      ...printed("", 75),
      stderr: refusedUnderRun(name),
    });
    expect((await under(name, `get ${name} -t -1 -E 9`)).status).toBe(9);
  });

  test("is refused under a shared hold and by an emptied environment, too", async () => {
    const name = newLockName();
    const shared = await under(name, `get ${name} -t -1`, "--shared");
    expect(shared.stderr).toContain(" holds it with --shared and waits for this get to end\n");
    const words = `run ${name} -- env -i "$RESOURCELOCK" get ${name} -t -1`;
    expect((await bash(`resourcelock ${words}`)).stderr).toMatch(
      /: pid \d+ \(.*\), which started this get, holds it and waits for this get to end\n$/,
    );
  });

  test("is refused when the lock is bound to the script that it is part of", async () => {
    const name = newLockName();
    const get = `resourcelock get ${name} --owner-pid $$ -q -t -1`;
    const { stdout, stderr } = await bash(`${get}; echo $$; ${get}; :`);
    expect(stderr).toBe(
      `resourcelock: Cannot wait for lock "${name}": this get is part of pid ${stdout.trim()}, for which get --owner-pid holds the lock already\n`,
    );
  });

  test("says so with --json, and in the Python tool's words in its order", async () => {
    const name = newLockName();
    const json = await under(name, `get ${name} --json`);
    expect(JSON.parse(json.stdout)).toMatchObject({ granted: false, reason: "deadlock" });
    const seedOrder = await under(name, `${name} get`);
    expect(seedOrder.stdout).toStartWith(`<${name}> lock request timed out  - Current owner   <`);
  });
});
