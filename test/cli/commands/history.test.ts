import { describe, expect, test } from "bun:test";
import { haveMountNamespaces, PrivateSharedMemory } from "../../faults/private-shared-memory.ts";
import { bash, haveTools, newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import { jsonLines, newHeldLock, objectsOf, printed, untilWaiting } from "./scenario.ts";
import { Terminal } from "./terminal.ts";

/** The time of day, process numbers and durations differ at each run. */
function maskHistory(text: string): string {
  return text
    .replaceAll(/\d\d:\d\d:\d\d(?:\.\d+)?/g, "CLOCK")
    .replaceAll(/ +\d+(?:ms|\.\ds|s)(?= )/g, " TIME")
    .replaceAll(/CLOCK +\d+/g, "CLOCK PID");
}

function requireRecord(value: unknown): asserts value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Error(`no record: ${String(value)}`);
}

const record = {
  by: null,
  pid: expect.any(Number),
  kind: "exclusive",
  slot: null,
  token: expect.any(Number),
  queued: expect.any(Number),
  granted: expect.any(Number),
  ended: expect.any(Number),
  waited: expect.any(Number),
  held: expect.any(Number),
};

test("history of a lock that nobody has made says so and makes none", async () => {
  const name = newLockName();
  const missing = `${name}: no history; there is no such lock\n`;
  expect(await resourcelock("history", name)).toEqual(printed(missing));
  expect(await resourcelock("history", name, "--plot")).toEqual(printed(missing));
  expect(await resourcelock("history", name, "--json")).toEqual(printed(""));
  expect(objectsOf(name)).toEqual([]);
});

test("history tells who held a lock, oldest first, in lines that are aligned", async () => {
  const name = newLockName();
  await resourcelock("run", name, "-m", "first", "--", "true");
  await resourcelock("run", name, "-m", "second, and a message that is longer", "--", "true");
  await resourcelock("get", name, "-q", "-m", "third");
  const { stdout, ...ending } = await resourcelock("history", name);
  expect(ending).toEqual({ status: 0, stderr: "" });
  expect(maskHistory(stdout).split("\n")).toEqual([
    expect.stringMatching(/^WHEN +PID +COMMAND +WAITED +HELD +ENDING$/),
    expect.stringMatching(/^CLOCK PID +first +TIME +TIME +exit 0$/),
    expect.stringMatching(/^CLOCK PID +second, and a message that is longer TIME +TIME +exit 0$/),
    expect.stringMatching(/^CLOCK .*third +TIME +TIME +detached$/),
    "",
  ]);
  const [, ...lines] = stdout.trimEnd().split("\n");
  expect(new Set(lines.map((line) => line.search(/exit 0|detached/))).size).toBe(1);
});

test("history --json has an object a line, with times that fit each other", async () => {
  const name = newLockName();
  await resourcelock("run", name, "-m", "first", "--", "true");
  await resourcelock("run", name, "-m", "second", "--shared", "--", "true");
  const [first, second] = await jsonLines("history", name);
  requireRecord(first);
  expect(first).toEqual({ ...record, name, command: "first", ending: "released", exitStatus: 0 });
  expect(second).toEqual({
    ...record,
    name,
    command: "second",
    kind: "shared",
    ending: "released",
    exitStatus: 0,
  });
  const [queued = 0, granted = 0, ended = 0] = ["queued", "granted", "ended"].map((field) =>
    Number(first[field]),
  );
  expect(granted).toBeGreaterThanOrEqual(queued);
  expect(ended).toBeGreaterThanOrEqual(granted);
  expect(first["waited"]).toBeCloseTo(granted - queued, 3);
  expect(first["held"]).toBeCloseTo(ended - granted, 3);
});

test("history of several locks is one table in the order of time, with the lock of each", async () => {
  const [one, two, missing] = [newLockName(), newLockName(), newLockName()];
  for (const name of [one, two, one]) await resourcelock("run", name, "-m", "job", "--", "true");
  const { stdout, ...ending } = await resourcelock("history", one, two, missing);
  expect(ending).toEqual({ status: 0, stderr: "" });
  const [head, ...lines] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^LOCK +WHEN /);
  expect(lines.map((line) => line.split(/ {2,}|:/)[0])).toEqual([one, two, one, missing]);
  expect(lines.at(-1)).toBe(`${missing}: no history; there is no such lock`);
  expect(await jsonLines("history", one, two)).toMatchObject([
    { name: one },
    { name: two },
    { name: one },
  ]);
  const plots = (await resourcelock("history", one, two, "--plot")).stdout.split("\n\n");
  expect(new Set(plots.map((plot) => plot.split(", ")[0]))).toEqual(
    new Set([`${one}: 2 requests`, `${two}: 1 request`]),
  );
});

test("history -n COUNT tells the last ones, of one lock or of several", async () => {
  const [one, two] = [newLockName(), newLockName()];
  for (const [index, name] of [one, one, two, one].entries()) {
    await resourcelock("run", name, "-m", `job ${index}`, "--", "true");
  }
  expect(await jsonLines("history", one, "-n", "2")).toMatchObject([
    { command: "job 1" },
    { command: "job 3" },
  ]);
  expect(await jsonLines("history", one, two, "-n2")).toMatchObject([
    { command: "job 2" },
    { command: "job 3" },
  ]);
  expect(await jsonLines("history", one, "--count", "99")).toHaveLength(3);
  for (const wrong of ["0", "-1", "two"]) {
    expect((await resourcelock("history", one, "-n", wrong)).status).toBe(64);
  }
});

describe.skipIf(!(await haveMountNamespaces()))("history without a name", () => {
  test("tells of all locks, and says so when there is nothing to tell", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m");
    expect(await host.resourcelock("history")).toEqual({
      ...printed(""),
      stderr: "resourcelock: no lock has a history\n",
    });
    await host.resourcelock("run", "one", "--", "true");
    const { stdout } = await host.resourcelock("history");
    expect(stdout).toMatch(/^LOCK +WHEN .*\none +\d\d:/);
    await host.resourcelock("run", "two", "--", "true");
    expect((await host.resourcelock("history", "--json", "-n1")).stdout).toContain('"name":"two"');
  });
});

test("history tells how each request ended", async () => {
  const name = newLockName();
  // One that is killed and leaves the lock to nobody, and one that adopts it.
  const killed = startCommand("get", name, "-a", "1h", "-m", "killed");
  await killed.stdout.until(": locked");
  killed.signal("SIGKILL");
  await killed.end();
  expect((await resourcelock("history", name)).stdout).toMatch(/ stale$/m);
  expect(await jsonLines("history", name)).toMatchObject([{ ending: "stale", ended: null }]);
  const adopter = startCommand("get", name, "-a", "1h", "-m", "adopter");
  await adopter.stdout.until(": locked");
  await resourcelock("run", name, "-n", "-m", "too late", "--", "true");
  await resourcelock("unget", name);
  await resourcelock("get", name, "-m", "detached");
  const waiter = startCommand("run", name, "-m", "waiter", "--", "true");
  await untilWaiting(name);
  const records = await jsonLines("history", name);
  const endings = records.map((one) => {
    requireRecord(one);
    return [one["command"], one["ending"]];
  });
  expect(endings).toContainEqual(["killed", "recovered"]);
  expect(endings).toContainEqual(["adopter", "forced"]);
  expect(endings).toContainEqual(["too late", "lapsed"]);
  expect(endings).toContainEqual(["detached", "detached"]);
  expect(endings).toContainEqual(["waiter", "waiting"]);
  const { stdout } = await resourcelock("history", name);
  for (const text of ["holder died", "forced by pid \\d+", "gave up", "detached", "waits"]) {
    expect(stdout).toMatch(new RegExp(` ${text}$`, "m"));
  }
  await resourcelock("unget", name);
  await waiter.end();
});

test("history --plot is 80 columns wide where there is no terminal, and uncoloured", async () => {
  const name = await newHeldLock();
  const waiter = startCommand("run", name, "-m", "waiter", "--", "true");
  await untilWaiting(name);
  const { stdout, ...ending } = await resourcelock("history", name, "--plot");
  expect(ending).toEqual({ status: 0, stderr: "" });
  const [title, holds, waits, ticks, clocks, legend] = stdout.split("\n");
  expect(title).toMatch(new RegExp(`^${name}: 2 requests, `));
  expect(holds).toMatch(/holder +░*█+>$/);
  expect(waits).toMatch(/waiter +░+>$/);
  expect(ticks).toMatch(/^ +[-|]+$/);
  expect(clocks).toMatch(/^ +\d\d:\d\d:\d\d.*\d$/);
  expect(legend).toBe("░ waits  █ holds  > goes on");
  expect([holds, waits, ticks].map((line) => Bun.stringWidth(line ?? ""))).toEqual([80, 80, 80]);
  await resourcelock("unget", name);
  await waiter.end();
});

test("history says nothing with -q, and refuses --plot with --json", async () => {
  const name = await newHeldLock();
  expect(await resourcelock("history", name, "-q")).toEqual(printed(""));
  const { status, stderr } = await resourcelock("history", name, "--plot", "--json");
  expect(status).toBe(64);
  expect(stderr).toContain("give --plot or --json, not both");
});

test("history shows what others wrote escaped", async () => {
  const name = await newHeldLock("a\u001B[31m\nb\u202E");
  for (const words of [[], ["--plot"]]) {
    const { stdout } = await resourcelock("history", name, ...words);
    expect(stdout).toContain("a\\x1b[31m\\nb\\u202e");
  }
});

test("history fails where its output is closed", async () => {
  const name = await newHeldLock();
  const { status, stderr } = await bash(`resourcelock history ${name} >&-`);
  expect(status).toBe(71);
  expect(stderr).toContain("Cannot write to stdout");
});

describe.skipIf(!haveTools("tmux"))("history on a terminal", () => {
  test.each([80, 38])("is cut to %d columns, and coloured", async (columns) => {
    const [name, terminal] = [await newHeldLock("m".repeat(70)), await Terminal.open({ columns })];
    const table = await terminal.output(`resourcelock history ${name}`);
    expect(table).toMatch(/^WHEN .*ENDING$/m);
    expect(table).toMatch(/ mmm+… .*detached$/m);
    expect(await terminal.coloredScreen()).toMatch(/ESC\[32mdetached/);
    const plot = await terminal.output(`resourcelock history ${name} --plot --no-color`);
    expect(plot).toMatch(/… ░*█+>$/m);
    expect(await terminal.coloredScreen()).not.toMatch(/ESC\[\d*[1-9]m/);
  });
});
