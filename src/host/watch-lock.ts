/** `watch`: follows a lock without taking part in it. */
import { maxTimerSeconds } from "../lock/duration.ts";
import { requireOptions, requireSignal } from "../lock/request-options.ts";
import type { LockState } from "../lock/status.ts";
import { HostEngine } from "./engine.ts";

/** How to follow a lock. */
export interface WatchLockOptions {
  /**
   * How often to look, in seconds. Nothing tells of a change, so one that is undone in between is not seen.
   *
   * @default 0.5
   */
  everySeconds?: number | undefined;
  /**
   * Ends the iteration.
   *
   * @default none
   */
  signal?: AbortSignal | undefined;
}

/**
 * Follows a lock: yields its state at once, and again after each change of its holders, waiters or info text. To
 * watch a lock does not create it.
 *
 * @param name the lock's name
 * @param options how often to look, and a signal that ends the iteration; so does leaving the loop
 * @returns the states; undefined while there is no such lock
 * @throws {LockNameError} for a name that cannot be used
 * @throws {RangeError} for an `everySeconds` that is not above 0, or is over 24 days
 * @throws {TypeError} for a `signal` that is none
 * @throws {LockPermissionError} when the lock is another user's
 * @example
 * ```ts
 * import { watch } from "resourcelock";
 *
 * for await (const state of watch("i2c-1")) {
 *   console.log(state?.holders ?? "there is no such lock");
 *   break;
 * }
 * ```
 */
export async function* watch(
  name: string,
  options: WatchLockOptions = {},
): AsyncGenerator<LockState | undefined, void> {
  requireOptions(options);
  const { everySeconds = 0.5, signal = new AbortController().signal } = options;
  const isTime = typeof everySeconds === "number" && everySeconds > 0;
  if (!isTime || everySeconds > maxTimerSeconds) {
    throw new RangeError(
      `Cannot look every ${String(everySeconds)} seconds: give a number above 0, up to 24 days`,
    );
  }
  requireSignal(signal);
  // The engine would look once all the same.
  if (signal.aborted) return;
  await using engine = new HostEngine();
  let last: string | undefined;
  for await (const state of engine.watch(name, { everySeconds, signal })) {
    const seen = JSON.stringify(state) ?? "none";
    if (seen === last) continue;
    last = seen;
    yield state;
  }
}
