import { expect, spyOn, test } from "bun:test";
import { ResourceLock } from "../../src/index.ts";
import { acquireBlocking, futexWait } from "../../src/host/acquire.ts";
import { KernelWait } from "../../src/host/kernel-wait.ts";
import { newLockName } from "../support/binary.ts";
import { StepwiseLock } from "../support/stepwise-lock.ts";

test("acquireBlocking() ends by itself at the semaphore when time is up", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  lock.detach();
  const wait = new KernelWait();
  using waiter = new StepwiseLock(lock.lockName);
  const attempt = waiter.request({ timeoutSeconds: 0.05 }, wait);
  expect(acquireBlocking(attempt, wait)).toBe(false);
  expect(attempt.secondsLeft()).toBe(0);
  expect(lock.status().waiters).toEqual([]);
});

test("acquireBlocking() gets the unit that a peer gives back", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  lock.detach();
  const wait = new KernelWait();
  let notices = 0;
  const giveBack = () => {
    notices += 1;
    expect(lock.ungetLock({ force: true })).toBe(true);
  };
  using waiter = new StepwiseLock(lock.lockName);
  const attempt = waiter.request({ timeoutSeconds: 10, onWait: giveBack }, wait);
  expect(waiter.settle(attempt, acquireBlocking(attempt, wait))).toBe(true);
  expect(notices).toBe(1);
});

test("futexWait does not wait at the semaphore for longer than the request stands", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  lock.detach();
  using waiter = new StepwiseLock(lock.lockName);
  const attempt = waiter.request({ timeoutSeconds: 0.05 }, futexWait);
  const block = spyOn(attempt.participant, "blockInKernel");
  expect(acquireBlocking(attempt, futexWait)).toBe(false);
  const waits = block.mock.calls.map(([, seconds]) => seconds);
  expect(waits).not.toBeEmpty();
  expect(Math.max(...waits)).toBeLessThanOrEqual(0.05);
});
