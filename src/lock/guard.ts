/** A lock that is held until the end of a scope. */

/**
 * A hold on a lock, from `withLock`, `hold` and `acquire`: `using` releases it at the end of the block, however that
 * is left.
 *
 * A guard that is dropped without `using` and without {@link release} leaves the lock held for as long as the
 * process lives.
 */
export class LockGuard implements Disposable {
  /** The fencing token: the grant's number, higher than that of every grant before. */
  readonly token: number;
  /** The number of this holder's slot, from 0, if it asked for `slots`: no other living holder has it. */
  readonly slot: number;
  #release: (() => boolean) | undefined;

  /**
   * Used by `ResourceLock`.
   *
   * @param grant what was granted
   * @param release what releases it
   */
  constructor(grant: { token: number; slot: number }, release: () => boolean) {
    this.token = grant.token;
    this.slot = grant.slot;
    this.#release = release;
  }

  /**
   * Releases the lock now; later calls do nothing.
   *
   * @returns false if the lock was no longer this guard's to release
   * @throws {LockClosedError} if the lock was closed while it was held
   */
  release(): boolean {
    const release = this.#release;
    this.#release = undefined;
    return release?.() ?? false;
  }

  /** Releases the lock, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}
