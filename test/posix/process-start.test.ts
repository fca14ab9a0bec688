import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  hasEnded,
  isAlive,
  processStart,
  startedAfter,
  unknownStart,
} from "../../src/posix/process-start.ts";
import { haveTools } from "../support/binary.ts";
import { eventually } from "../support/eventually.ts";
import { start } from "../support/process.ts";

test("a process has ended once it is a zombie, and when its number is another one's", async () => {
  const child = start(["sleep", "100"]);
  const startedAt = processStart(child.pid) ?? 0;
  expect([
    startedAt > 0,
    hasEnded(child.pid, startedAt),
    hasEnded(child.pid, startedAt + 1),
  ]).toEqual([true, false, true]);
  await child.kill();
  expect([processStart(child.pid), hasEnded(child.pid, startedAt)]).toEqual([undefined, true]);
});

test("startedAfter() tells a process from one that had its number before", () => {
  const child = start(["sleep", "100"]);
  const now = Date.now() / 1000;
  expect(startedAfter(child.pid, now - 60)).toBe(true);
  expect(startedAfter(child.pid, now)).toBe(false);
  // Of a process that cannot be seen nobody can tell.
  expect(startedAfter(999_999_999, now - 60)).toBe(false);
});

test("hasEnded() takes a process whose start nobody saw to live as long as there is one", async () => {
  const child = start(["sleep", "100"]);
  expect(hasEnded(child.pid, unknownStart)).toBe(false);
  await child.kill();
  expect(hasEnded(child.pid, unknownStart)).toBe(true);
});

const firstThreadEnds = `
import ctypes, os, sys, threading
def work():
    sys.stdin.readline()
    os._exit(0)
threading.Thread(target=work).start()
ctypes.CDLL(None).pthread_exit(None)
`;

test.skipIf(!haveTools("python3"))(
  "hasEnded() takes a process whose first thread has ended to live until its last one ends",
  async () => {
    const child = start(["python3", "-c", firstThreadEnds]);
    await eventually("the end of the first thread", () => stateOf(child.pid) === "Z");
    const startedAt = processStart(child.pid);
    expect(startedAt).toBeGreaterThan(0);
    expect(hasEnded(child.pid, startedAt ?? 0)).toBe(false);
    expect(isAlive(child.pid)).toBe(true);
    await child.tell("end\n");
    expect(await child.exited()).toBe(0);
    expect(hasEnded(child.pid, startedAt ?? 0)).toBe(true);
    expect(isAlive(child.pid)).toBe(false);
  },
);

function stateOf(processId: number): string | undefined {
  return /\) (.)/.exec(readFileSync(`/proc/${processId}/stat`, "utf8"))?.[1];
}
