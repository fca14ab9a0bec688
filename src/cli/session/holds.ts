/** The locks that a session holds. */
import { forEachInReverse } from "../../lock/acquire-all.ts";
import type { AcquireRequest, Grant, LockEngine, Refusal } from "../../lock/engine.ts";
import type { LockLostError } from "../../lock/errors.ts";
import { parseLockName } from "../../lock/name.ts";
import { hasNoReader } from "../../posix/file.ts";
import { refusedUnderHold, requireNoneAround } from "../status/hold-around.ts";
import { OutputError } from "../terminal/output.ts";

const standardOutput = 1;

export class Holds {
  readonly engine: LockEngine;
  /** Aborted when the session is to end: withdraws the request that waits. */
  readonly signal: AbortSignal;
  readonly #grants = new Map<string, Grant>();

  constructor(engine: LockEngine, signal: AbortSignal) {
    this.engine = engine;
    this.signal = signal;
  }

  /** Whether this session holds a lock. */
  has(lockName: string): boolean {
    return this.#grants.has(parseLockName(lockName));
  }

  /** The fencing token of the session's hold of a lock; undefined if there is none. */
  tokenOf(lockName: string): number | undefined {
    return this.#grants.get(parseLockName(lockName))?.token;
  }

  /**
   * Takes a lock, which the session must not hold yet: it would wait for itself.
   *
   * @throws {HeldAround} when the lock is held by a process that the session runs under
   */
  async acquire(
    lockName: string,
    request: Omit<AcquireRequest, "signal">,
  ): Promise<Grant | Refusal> {
    const wish = { ...request, signal: this.signal, onWait: () => this.requireReader() };
    if (request.newest === true) await requireNoneAround(this.engine, [lockName], wish);
    const answer = await this.engine.acquire(
      lockName,
      await refusedUnderHold(this.engine, lockName, wish),
    );
    if (answer.granted) this.#grants.set(answer.name, answer);
    return answer;
  }

  /**
   * Ends what waits for a script that has died: its locks are not to be held for as long as the wait takes.
   *
   * @throws {OutputError}
   */
  requireReader(): void {
    if (hasNoReader(standardOutput)) throw new OutputError("Cannot answer: nobody reads stdout");
  }

  /** Releases a lock that the session holds. @returns how it was lost, if it was */
  async release(lockName: string, whereCalled: string): Promise<LockLostError | undefined> {
    const name = parseLockName(lockName);
    const grant = this.#grants.get(name);
    this.#grants.delete(name);
    return await grant?.release({ whereCalled });
  }

  /** Releases all of them, the last one first, even when one cannot be. @throws the first error */
  async releaseAll(whereCalled: string): Promise<void> {
    await forEachInReverse([...this.#grants.keys()], (name) => this.release(name, whereCalled));
  }
}
