/** A lock that is held until the end of a scope. */
import type { ResourceLock } from "./resource-lock.ts";

/**
 * What `hold` and `acquire` give: `using` releases it at the end of the block, however that is left.
 *
 * A guard that is dropped without `using` and without {@link release} leaves the lock held.
 */
export class LockGuard implements Disposable {
  readonly lock: ResourceLock;
  #held = true;

  constructor(lock: ResourceLock) {
    this.lock = lock;
  }

  /**
   * Releases the lock now; later calls do nothing.
   *
   * @returns false where the lock was no longer this guard's to release
   * @throws {LockClosedError} where the lock was closed while it was held
   */
  release(): boolean {
    if (!this.#held) return false;
    this.#held = false;
    return this.lock.ungetLock({ whereCalled: "guard" });
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
