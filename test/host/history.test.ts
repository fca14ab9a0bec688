import { expect, test } from "bun:test";
import { ResourceLock } from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";
import { start } from "../support/process.ts";

test("history() is empty before anybody asked for the lock", () => {
  using lock = new ResourceLock(newLockName());
  expect(lock.history()).toEqual([]);
});

test("history() tells how each request ended, the oldest first, with times that fit", () => {
  const name = newLockName();
  using lock = new ResourceLock(name);
  using other = new ResourceLock(name);
  lock.getLock({ lockInfo: "one" });
  expect(other.getLock({ timeout: 0, lockInfo: "two" })).toBe(false);
  lock.ungetLock();
  lock.getLock({ lockInfo: "three" });
  other.ungetLock({ force: true });
  lock.ungetLock();
  lock.hold({ slots: 3, lockInfo: "four" });
  const records = lock.history();
  const told = records.map(({ command, ending, kind, slot }) => [command, ending, kind, slot]);
  expect(told).toEqual([
    ["one", "released", "exclusive", null],
    ["two", "lapsed", "exclusive", null],
    ["three", "forced", "exclusive", null],
    ["four", "held", "slots", 0],
  ]);
  const [one, two, three, four] = records;
  expect([one?.pid, two?.token, two?.granted, four?.ended]).toEqual([
    process.pid,
    null,
    null,
    null,
  ]);
  expect(one?.granted).toBeGreaterThanOrEqual(one?.queued ?? Infinity);
  expect(one?.ended).toBeGreaterThanOrEqual(one?.granted ?? Infinity);
  expect(three?.token).toBeGreaterThan(one?.token ?? Infinity);
});

test("history() tells of a hold that nobody is attached to, and of its end", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  lock.detach();
  expect(lock.history()).toMatchObject([{ ending: "detached", ended: null }]);
  expect(lock.ungetLock({ force: true })).toBe(true);
  expect(lock.history()).toMatchObject([{ ending: "released", ended: expect.any(Number) }]);
});

test("history() tells who died, once somebody has adopted the lock", async () => {
  const name = newLockName();
  using lock = new ResourceLock(name);
  const owner = start(["sleep", "100"]);
  lock.getLock({ lockInfo: "bound" });
  lock.detach(owner.pid);
  expect(lock.getLock({ timeout: 0 })).toBe(false);
  await owner.kill();
  expect(lock.history()).toMatchObject([{ ending: "stale", ended: null }, {}]);
  expect(lock.getLock({ timeout: 0 })).toBe(true);
  const endings = lock.history().map(({ ending }) => ending);
  expect(endings).toEqual(["recovered", "lapsed", "held"]);
  expect(lock.status()).toMatchObject({ grants: 2, recoveries: 1 });
});

test("history() keeps about the last 30", () => {
  using lock = new ResourceLock(newLockName());
  for (let count = 1; count <= 100; count++) {
    lock.getLock({ lockInfo: String(count) });
    lock.ungetLock();
  }
  const commands = lock.history().map(({ command }) => command);
  expect(commands).toEqual(Array.from({ length: 31 }, (_, index) => String(70 + index)));
});
