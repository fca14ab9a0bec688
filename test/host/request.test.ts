import { expect, test } from "bun:test";
import { ResourceLock } from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";

test("a request that blocks for the semaphore ends by itself when its time is up", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  lock.detach();
  const request = lock.request({ timeout: 0.05, waits: "blocks" });
  expect([request.poll(), request.hasOwnLimit]).toEqual([false, true]);
  while (request.remainingSeconds > 0) {
    request.block();
    expect(request.poll()).toBe(false);
  }
  expect(lock.settle(request, false)).toBe(false);
  expect(lock.status().waiters).toEqual([]);
});

test("a request that blocks for the semaphore gets the unit that a peer gives back", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  lock.detach();
  const request = lock.request({ timeout: 10, waits: "blocks" });
  expect(request.poll()).toBe(false);
  expect(lock.ungetLock({ force: true })).toBe(true);
  request.block();
  expect(lock.settle(request, request.poll())).toBe(true);
});
