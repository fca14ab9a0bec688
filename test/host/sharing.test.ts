/** Shared holders, slots and exclusive ones, within one process: each has a seat of its own. */
import { expect, test } from "bun:test";
import { type LockGuard, ResourceLock } from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";

test("shared holders hold together, and an exclusive one waits for all of them", async () => {
  using lock = new ResourceLock(newLockName());
  const [one, two] = [lock.hold({ shared: true }), lock.hold({ shared: true })];
  expect(lock.hold({ timeout: 0 })).toBeUndefined();
  const exclusive = lock.acquire({ timeout: 10 });
  one?.release();
  expect(lock.status().waiters).toHaveLength(1);
  two?.release();
  using guard = await exclusive;
  expect(guard?.token).toBeGreaterThan(two?.token ?? Infinity);
});

test("who wants to share waits behind an exclusive waiter that came before", async () => {
  using lock = new ResourceLock(newLockName());
  using first = lock.hold({ shared: true });
  const exclusive = lock.acquire({ timeout: 10 });
  expect(lock.hold({ shared: true, timeout: 0 })).toBeUndefined();
  first?.release();
  (await exclusive)?.release();
  using after = lock.hold({ shared: true, timeout: 0 });
  expect(after).toBeDefined();
});

test("slots have the lowest numbers that no living holder has, and no more than N hold", () => {
  using lock = new ResourceLock(newLockName());
  const take = () => lock.hold({ slots: 3, timeout: 0 });
  const held = [take(), take(), take()];
  expect([...held.map((guard) => guard?.slot), take()]).toEqual([0, 1, 2, undefined]);
  held[1]?.release();
  expect(take()?.slot).toBe(1);
});

test("those who wait for slots are served in their order", async () => {
  using lock = new ResourceLock(newLockName());
  using first = lock.hold({ slots: 1 });
  const order: number[] = [];
  const next = async (number: number): Promise<LockGuard | undefined> => {
    using guard = await lock.acquire({ slots: 1, timeout: 10 });
    order.push(number);
    return guard;
  };
  const both = [next(1), next(2)];
  expect(lock.status().waiters.map(({ kind }) => kind)).toEqual(["slots", "slots"]);
  first?.release();
  await Promise.all(both);
  expect(order).toEqual([1, 2]);
});

test("a shared hold that one of two gives up stays held", () => {
  const name = newLockName();
  using lock = new ResourceLock(name);
  using other = new ResourceLock(name);
  lock.getLock({ shared: true });
  other.getLock({ shared: true });
  expect(lock.detach()).toBe(true);
  expect(other.isLocked()).toBe(true);
  expect(other.status().holders).toMatchObject([{ attachment: "attached", kind: "shared" }]);
  expect([other.ungetLock(), other.isLocked()]).toEqual([true, false]);
});
