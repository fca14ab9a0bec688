import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { LockNameError, type LockState, ResourceLock, watch } from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";

/** The next state; the watch must not have ended. */
async function next(states: AsyncIterator<LockState | undefined>): Promise<LockState | undefined> {
  const { done, value } = await states.next();
  if (done === true) throw new Error("the watch has ended");
  return value;
}

describe("watch()", () => {
  test("yields the state at once, and then only when something changed", async () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    const states = watch(name, { everySeconds: 0.001 });
    expect(await next(states)).toMatchObject({ name, state: "free", holders: [] });

    const second = next(states);
    // It looks many times while nothing changes.
    expect(await Promise.race([second, Bun.sleep(30)])).toBeUndefined();
    lock.getLock({ lockInfo: "the work" });
    const held = await second;
    expect(held?.state).toBe("held");
    expect(held?.holders.map(({ pid }) => pid)).toEqual([process.pid]);

    lock.ungetLock();
    expect(await next(states)).toMatchObject({ state: "free", holders: [] });
    await states.return();
  });

  test("yields undefined until the lock is created, and creates none", async () => {
    const name = newLockName();
    const states = watch(name, { everySeconds: 0.001 });
    expect(await next(states)).toBeUndefined();
    expect(existsSync(`/dev/shm/sem.${name}`)).toBe(false);
    using _lock = new ResourceLock(name);
    expect(await next(states)).toMatchObject({ name, exists: true });
    await states.return();
  });

  test("ends when the signal is aborted while it waits for a change", async () => {
    const name = newLockName();
    const controller = new AbortController();
    const states = watch(name, { everySeconds: 3600, signal: controller.signal });
    await next(states);
    const ended = states.next();
    controller.abort();
    expect(await ended).toEqual({ done: true, value: undefined });
  });

  test("yields nothing for a signal that is aborted already", async () => {
    const states = watch(newLockName(), { signal: AbortSignal.abort() });
    expect(await states.next()).toEqual({ done: true, value: undefined });
  });

  test.each([0, -1, Number.NaN, Infinity])(
    "refuses to look every %d seconds",
    async (everySeconds) => {
      expect(watch(newLockName(), { everySeconds }).next()).rejects.toThrow(RangeError);
    },
  );

  test.each([
    [{ signal: {} }, TypeError],
    [{ everySeconds: "1" }, RangeError],
    ["1s", TypeError],
  ])("refuses %j in words", async (options, kind) => {
    const states = Reflect.apply(watch, undefined, [newLockName(), options]);
    const error: unknown = await states.next().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toContain("Cannot ");
  });

  test("throws a LockNameError for a name that cannot be used", async () => {
    expect(watch("a/b").next()).rejects.toThrow(LockNameError);
  });
});
