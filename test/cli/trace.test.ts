import { expect, setDefaultTimeout, test } from "bun:test";
import { maskDates, newLockName, resourcelock } from "../support/binary.ts";
import { startCommand } from "./running.ts";
import { detachedHolder, newHeldLock, objectsOf, parseLines } from "./scenario.ts";

setDefaultTimeout(60_000);

test("trace follows a lock from before it is made until an INT, and ends with 0", async () => {
  const name = newLockName();
  const missing = `<${name}> does not exist: nobody has made this lock on this host yet\n`;
  const state = (locked: string, info: string) =>
    `<${name}> is currently locked?  <${locked}>  Prior info  <${info}>\n`;

  const trace = startCommand("trace", name, "-u", "10ms");
  await trace.stdout.until(missing);
  expect(objectsOf(name)).toEqual([]);
  await resourcelock("get", name);
  await trace.stdout.until("<True>");
  await resourcelock("unget", name);
  await trace.stdout.until("<False>");
  trace.kill("SIGINT");

  const { stdout, ...ending } = await trace.end();
  expect(ending).toEqual({ status: 0, signal: null, stderr: "" });
  const lines = maskDates(stdout).split(/(?<=\n)/);
  // Between two looks a lock may be made and not be granted yet, with or without its info text.
  const inBetween = new Set([state("False", ""), state("True", "")]);
  const seen = lines.filter((line, index) => line !== lines[index - 1] && !inBetween.has(line));
  expect(seen).toEqual([missing, state("True", "DATE - cli"), state("False", "DATE - cli")]);
});

test("trace prints again and again though nothing changes", async () => {
  const name = await newHeldLock();
  const trace = startCommand(name, "trace", "--update=0.01");
  await trace.stdout.until("\n");
  const line = `<${name}> is currently locked?`;
  await trace.stdout.until(`\n${line}`);
  trace.kill("SIGINT");
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
  trace.kill("SIGINT");
  const lines = parseLines((await trace.end()).stdout);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const missing = { exists: false, locked: false, value: null, info: null };
  const held = { exists: true, locked: true, value: 0, info: "DATE - cli" };
  const none = { holders: [], waiters: [], grants: 0, recoveries: 0 };
  expect(lines[0]).toEqual({ time, name, ...missing, ...none });
  const holders = [detachedHolder("cli")];
  expect(lines.at(-1)).toEqual({ time, name, ...held, ...none, holders, grants: 1 });
});

test.each(["SIGTERM", "SIGHUP"] as const)("trace dies of %s", async (signal) => {
  const trace = startCommand("trace", newLockName());
  await trace.stdout.until("\n");
  trace.kill(signal);
  expect(await trace.end()).toMatchObject({ signal });
});
