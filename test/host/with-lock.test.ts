import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import {
  LockGuard,
  LockLostError,
  LockNameError,
  LockTimeoutError,
  ResourceLock,
  withLock,
} from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";

/** What a promise is rejected with. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("withLock()", () => {
  test("holds the lock while the function runs, gives it the guard, and returns what it returns", async () => {
    const name = newLockName();
    using onlooker = new ResourceLock(name);
    const result = await withLock(name, { lockInfo: "the work" }, async (guard) => {
      await Promise.resolve();
      expect(guard).toBeInstanceOf(LockGuard);
      expect(onlooker.isLocked()).toBe(true);
      expect(onlooker.getLockInfo()).toEndWith(" - the work");
      return guard.token;
    });
    expect(onlooker.history().map(({ token }) => token)).toEqual([result]);
    expect(onlooker.isLocked()).toBe(false);
  });

  test("takes the function alone, and one that is not async", async () => {
    expect(await withLock(newLockName(), ({ token }) => token > 0)).toBe(true);
  });

  test("releases the lock and passes the error on when the function throws", async () => {
    const name = newLockName();
    const error = new Error("it broke");
    const thrown = withLock(name, () => {
      throw error;
    });
    expect(await errorOf(thrown)).toBe(error);
    using onlooker = new ResourceLock(name);
    expect(onlooker.status().holders).toEqual([]);
    expect(onlooker.isLocked()).toBe(false);
  });

  test("throws a LockTimeoutError with the holders when the lock is not granted in time", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    holder.getLock({ lockInfo: "the other work" });
    let wasCalled = false;
    const error = await errorOf(
      withLock(`/${name}`, { timeout: "10ms" }, () => {
        wasCalled = true;
      }),
    );
    if (!(error instanceof LockTimeoutError)) throw error;
    expect(error.message).toBe(
      `Cannot get lock "${name}" within 0.01 s: held by pid ${process.pid} (the other work)`,
    );
    expect(error.lockName).toBe(name);
    expect(error.timeoutSeconds).toBe(0.01);
    expect(error.holders.map(({ pid }) => pid)).toEqual([process.pid]);
    expect(wasCalled).toBe(false);
  });

  test("waits without blocking the event loop until the lock is free", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    holder.getLock();
    const first = holder.token;
    const work = withLock(name, ({ token }) => token);
    // The wait has begun, and the loop runs on all the same.
    await new Promise(setImmediate);
    expect(holder.status().waiters).toBeArrayOfSize(1);
    holder.ungetLock();
    expect(await work).toBeGreaterThan(first);
  });

  test("gives the request up, and keeps nothing, when the signal is aborted", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    holder.getLock();
    const controller = new AbortController();
    const work = withLock(name, { signal: controller.signal }, () => "granted");
    await new Promise(setImmediate);
    const reason = new Error("given up");
    controller.abort(reason);
    expect(await errorOf(work)).toBe(reason);
    expect(holder.status().waiters).toEqual([]);
  });

  test("throws a LockLostError when the lock was released by force meanwhile", async () => {
    const name = newLockName();
    using other = new ResourceLock(name);
    const work = withLock(name, () => other.ungetLock({ force: true }));
    const error = await errorOf(work);
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toHaveProperty("lockName", name);
    expect(error).toHaveProperty("loss", { reason: "forced" });
  });

  test("returns the result when the function released the guard itself", async () => {
    const name = newLockName();
    expect(await withLock(name, (guard) => guard.release())).toBe(true);
  });

  test("holds slots together, each with its own number", async () => {
    const name = newLockName();
    const slots = await withLock(name, { slots: 2 }, (outer) =>
      withLock(name, { slots: 2, timeout: 0 }, (inner) => new Set([outer.slot, inner.slot])),
    );
    expect(slots).toEqual(new Set([0, 1]));
  });

  test.each([
    ["a timeout in a unit that there is not", { timeout: "5 fortnights" }, RangeError],
    ["a negative timeout", { timeout: -1 }, RangeError],
    ["both shared and slots", { shared: true, slots: 2 }, RangeError],
    ["an aborted signal", { signal: AbortSignal.abort() }, DOMException],
  ])("is rejected for %s, without a hold", async (_, options, kind) => {
    const name = newLockName();
    expect(await errorOf(withLock(name, options, () => "granted"))).toBeInstanceOf(kind);
    using onlooker = new ResourceLock(name);
    expect(onlooker.status().grants).toBe(0);
  });

  test("creates no lock for a name or a function that cannot be used", async () => {
    const name = newLockName();
    expect(await errorOf(withLock("a/b", () => "granted"))).toBeInstanceOf(LockNameError);
    const withoutWork = Reflect.apply(withLock, undefined, [name, {}]);
    expect(await errorOf(withoutWork)).toBeInstanceOf(TypeError);
    const withTime = Reflect.apply(withLock, undefined, [name, "5s", () => "granted"]);
    expect(String(await errorOf(withTime))).toStartWith('TypeError: Cannot take "5s" for options');
    expect(await errorOf(withLock(name, { slots: 0 }, () => "granted"))).toBeInstanceOf(RangeError);
    expect(existsSync(`/dev/shm/sem.${name}`)).toBe(false);
  });
});
