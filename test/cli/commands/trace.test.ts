import { expect, test } from "bun:test";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { maskDates, newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import { detachedHolder, newHeldLock, objectsOf, parseLines } from "./scenario.ts";
import { eventually } from "../../support/eventually.ts";

test("trace follows a lock from before it is made until an INT, and ends with 0", async () => {
  const name = newLockName();
  const missing = `${name}: free; there is no such lock yet\n`;
  const state = (locked: string, info: string) =>
    `<${name}> is currently locked?  <${locked}>  Prior info  <${info}>\n`;

  const trace = startCommand(name, "trace", "-u", "10ms");
  await trace.stdout.until(missing);
  expect(objectsOf(name)).toEqual([]);
  await resourcelock("get", name);
  await trace.stdout.until("<True>");
  await resourcelock("unget", name);
  await trace.stdout.until("<False>");
  trace.signal("SIGINT");

  const { stdout, ...ending } = await trace.end();
  expect(ending).toEqual({ status: 0, stderr: "" });
  const lines = maskDates(stdout).split(/(?<=\n)/);
  // Between two looks a lock may be made and not be granted yet, with or without its info text.
  const inBetween = new Set([state("False", ""), state("True", "")]);
  const known = lines.filter((line) => !inBetween.has(line));
  const seen = known.filter((line, index) => line !== known[index - 1]);
  const [held, free] = [state("True", "DATE - cli"), state("False", "DATE - cli")];
  // The text may be there before the semaphore is taken.
  if (seen[1] === free) seen.splice(1, 1);
  expect(seen).toEqual([missing, held, free]);
});

test("trace prints again and again though nothing changes", async () => {
  const name = await newHeldLock();
  const trace = startCommand(name, "trace", "--update=0.01");
  await trace.stdout.until("\n");
  const line = `<${name}> is currently locked?`;
  await trace.stdout.until(`\n${line}`);
  trace.signal("SIGINT");
  const { stdout } = await trace.end();
  expect(stdout.split("\n").at(-2)).toStartWith(line);
});

test("trace --json prints a complete object a line", async () => {
  const name = newLockName();
  const trace = startCommand("trace", name, "--json", "-u0.01");
  await trace.stdout.until("\n");
  await resourcelock("get", name);
  // While get has it, it is attached to that for a moment.
  await trace.stdout.until('"detached"');
  trace.signal("SIGINT");
  const lines = parseLines((await trace.end()).stdout);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const missing = { exists: false, locked: false, value: null, info: null };
  const held = { exists: true, locked: true, value: 0, info: "DATE - cli" };
  const none = { holders: [], waiters: [], grants: 0, recoveries: 0 };
  expect(lines[0]).toEqual({ time, name, ...missing, ...none });
  const holders = [detachedHolder("cli")];
  expect(lines.at(-1)).toEqual({ time, name, ...held, ...none, holders, grants: 1 });
});

test("trace of several locks prints a line each at every look, in the order of the words", async () => {
  const [free, held] = [newLockName(), await newHeldLock()];
  const trace = startCommand("trace", free, held, "-u", "0.01");
  await trace.stdout.until(`${held}: held by holder (no process)`);
  await trace.stdout.until(`\n${free}: free`);
  await resourcelock("unget", held);
  await trace.stdout.until(`${held}: free`);
  trace.signal("SIGINT");
  const { stdout, ...ending } = await trace.end();
  expect(ending).toEqual({ status: 0, stderr: "" });
  const names = [...stdout.matchAll(/^([^:\n]+): /gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(3);
  expect(names.every((name, index) => name === [free, held][index % 2])).toBeTrue();
});

test("trace --json of several locks has one time for each look", async () => {
  const names = [newLockName(), newLockName()];
  const trace = startCommand("trace", ...names, "--json", "-u", "1h");
  await trace.stdout.until(`"name":"${names[1]}"`);
  trace.signal("SIGINT");
  const { stdout } = await trace.end();
  const [one, other] = stdout.split("\n").map((line) => JSON.parse(line || "{}"));
  expect([one.name, other.name]).toEqual(names);
  expect(one.time).toBe(other.time);
});

test("trace keeps a lock open between looks, and sees when it is made anew or deleted", async () => {
  const name = await newHeldLock("the first");
  const trace = startCommand("trace", name, "-u", "0.01");
  await trace.stdout.until("the first");
  const descriptors = () => readdirSync(`/proc/${trace.pid}/fd`).toSorted().join();
  const before = descriptors();
  const { length } = trace.stdout.text;
  await eventually(
    () => "another ten looks",
    () => trace.stdout.text.length > length + 10 * name.length,
  );
  // The ledger's descriptor is the same one at every look.
  const ledger = readlinks(trace.pid).filter((link) => link.endsWith(`${name}.ledger`));
  expect(ledger).toHaveLength(1);
  expect(descriptors()).toBe(before);
  for (const file of objectsOf(name)) rmSync(`/dev/shm/${file}`);
  await trace.stdout.until("there is no such lock");
  await resourcelock("get", name, "-m", "the second");
  await trace.stdout.until("the second");
  trace.signal("SIGINT");
  expect(await trace.end()).toMatchObject({ status: 0, stderr: "" });
});

function readlinks(processId: number): string[] {
  const directory = `/proc/${processId}/fd`;
  return readdirSync(directory).flatMap((descriptor) => {
    try {
      return readlinkSync(`${directory}/${descriptor}`);
    } catch {
      return [];
    }
  });
}

test.each(["SIGTERM", "SIGHUP"] as const)("trace dies of %s", async (signal) => {
  const trace = startCommand("trace", newLockName());
  await trace.stdout.until("\n");
  trace.signal(signal);
  await trace.end();
  expect(trace.endedBy).toBe(signal);
});
