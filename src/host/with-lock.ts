/** `withLock`: what a program that takes a lock for a piece of work calls. */
import { secondsOfTimeout } from "../lock/duration.ts";
import { LockLostError, LockTimeoutError } from "../lock/errors.ts";
import type { LockGuard } from "../lock/guard.ts";
import { requireRequest } from "../lock/request-options.ts";
import type { GetLockOptions, ResourceLockOptions } from "./lock-options.ts";
import { ResourceLock } from "./resource-lock.ts";

/** How to wait for a lock, and how to hold it. */
export interface WithLockOptions
  extends Omit<GetLockOptions, "timeout">, Omit<ResourceLockOptions, "create"> {
  /**
   * How long to wait: seconds, or a text such as "500ms", "5s", "1h30m". 0 tries once, null waits forever.
   *
   * @default null
   */
  timeout?: number | string | null | undefined;
  /**
   * Gives the request up while it waits: the promise is rejected with the signal's reason.
   *
   * @default none
   */
  signal?: AbortSignal | undefined;
}

/** What runs under a lock. */
type Work<Result> = (guard: LockGuard) => Result | PromiseLike<Result>;

/**
 * Runs a function while it holds a lock, and releases the lock however the function ends. The event loop goes on
 * during the wait. The lock is created if there is none.
 *
 * A function that takes the same lock again waits for itself.
 *
 * @param name the lock's name: 1 to 247 bytes without a slash, or with one at its start
 * @param options how to wait, and how to hold it
 * @param fn the work; it gets the guard, whose `token` is the fencing token
 * @returns what `fn` returns
 * @throws {LockTimeoutError} when the lock is not granted in time; `fn` was not called
 * @throws {LockLostError} when the lock was released by force while `fn` ran; if `fn` throws, its error is thrown
 * @throws what the constructor of {@link ResourceLock} and {@link ResourceLock.acquire} throw, `fn` and the signal
 * @example
 * ```ts
 * import { withLock } from "resourcelock";
 *
 * const degrees = await withLock("i2c-1", { timeout: "5s", lockInfo: "thermometer" }, async () => {
 *   return 21.5;
 * });
 * console.log(degrees);
 * ```
 */
export function withLock<Result>(
  name: string,
  options: WithLockOptions,
  fn: (guard: LockGuard) => Result | PromiseLike<Result>,
): Promise<Result>;
/**
 * The same with the default options: it waits forever.
 *
 * @param name the lock's name
 * @param fn the work
 * @returns what `fn` returns
 */
export function withLock<Result>(
  name: string,
  fn: (guard: LockGuard) => Result | PromiseLike<Result>,
): Promise<Result>;
export async function withLock<Result>(
  name: string,
  optionsOrWork: WithLockOptions | Work<Result>,
  work?: Work<Result>,
): Promise<Result> {
  const options = typeof optionsOrWork === "function" ? {} : optionsOrWork;
  const fn = typeof optionsOrWork === "function" ? optionsOrWork : work;
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot run under lock "${name}": give a function as the last argument`);
  }
  requireRequest(options);
  const { timeout = null } = options;
  // An option that cannot be used creates no lock.
  const timeoutSeconds = secondsOfTimeout(timeout);
  options.signal?.throwIfAborted();

  using lock = new ResourceLock(name, options);
  using guard = await lock.acquire({ ...options, timeout });
  if (guard === undefined) {
    throw new LockTimeoutError(lock.lockName, timeoutSeconds, lock.status().holders);
  }
  const result = await fn(guard);
  // Not if `fn` released it itself.
  if (lock.iHaveTheLock && !guard.release()) {
    throw new LockLostError(lock.lockName, { reason: "forced" });
  }
  return result;
}
