/** A request for a lock, from its first try until it is granted or withdrawn. */
import { monotonicSeconds } from "../posix/clock.ts";
import type { Semaphore, WaitResult } from "../posix/semaphore.ts";

/**
 * The wait of every kind of acquire: who drives it decides how time passes between two looks, in the
 * kernel ({@link block}) or in an event loop ({@link poll}). The seat in the queue will live here.
 */
export class LockRequest {
  readonly #semaphore: Semaphore;
  readonly #deadlineSeconds: number;

  /**
   * @param timeoutSeconds how long the request stands; null is for ever, 0 is for one look
   * @throws {RangeError} where the timeout is negative or not a number
   */
  constructor(semaphore: Semaphore, timeoutSeconds: number | null) {
    if (timeoutSeconds !== null && !(timeoutSeconds >= 0)) {
      throw new RangeError(`Cannot wait for ${timeoutSeconds} seconds: give null to wait for ever`);
    }
    this.#semaphore = semaphore;
    this.#deadlineSeconds =
      timeoutSeconds === null
        ? Infinity
        : timeoutSeconds === 0
          ? 0
          : monotonicSeconds() + timeoutSeconds;
  }

  /** Seconds until the request lapses; 0 once it has. */
  get remainingSeconds(): number {
    if (this.#deadlineSeconds === Infinity) return Infinity;
    if (this.#deadlineSeconds === 0) return 0;
    return Math.max(0, this.#deadlineSeconds - monotonicSeconds());
  }

  /** Takes the lock if it is free now. */
  poll(): boolean {
    return this.#semaphore.tryWait();
  }

  /** Blocks the thread for `seconds` at most, and not past the deadline. */
  block(seconds: number): WaitResult {
    return this.#semaphore.timedWait(Math.min(seconds, this.remainingSeconds));
  }
}
