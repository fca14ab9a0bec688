import { expect, test } from "bun:test";
import {
  behindText,
  deadlocksOfLock,
  deadlockText,
} from "../../../src/cli/status/deadlock-text.ts";
import type { Circle } from "../../../src/lock/circle.ts";

const participant = (pid: number, command: string) => ({
  pid,
  command,
  since: pid,
  kind: "exclusive" as const,
});
const [backup, deploy] = [participant(12, "backup"), participant(9, "deploy")];
const circle: Circle = [
  { lockName: "net", waiter: deploy, blocker: backup },
  { lockName: "disk", waiter: backup, blocker: deploy },
];

test("deadlockText() goes round the circle once", () => {
  expect(deadlockText(circle)).toBe(
    'pid 9 (deploy) waits for lock "net" behind pid 12 (backup), ' +
      'which waits for lock "disk" behind pid 9 (deploy)',
  );
  expect(deadlockText([])).toBe("");
});

test("behindText() ends with the word for whom the last wait is behind", () => {
  expect(behindText(circle, "this one")).toBe(
    'behind pid 12 (backup), which waits for lock "disk" behind this one',
  );
});

test("deadlocksOfLock() has the circles that a lock is part of, and no others", () => {
  expect(deadlocksOfLock([circle], "disk")).toEqual([deadlockText(circle)]);
  expect(deadlocksOfLock([circle], "other")).toEqual([]);
});
