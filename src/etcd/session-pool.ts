/**
 * The leases of an engine's locks. Locks that are held at once share one, so that they are lost together or not at all.
 *
 * A key lives as long as its lease. So a lock whose key could not be deleted, or may come back, keeps its name in the
 * session: its key is deleted again and again, and another request for that lock gets another lease.
 */
import { LockServerError } from "../lock/errors.ts";
import { defaultCallSeconds, type Gateway } from "./gateway.ts";
import type { Clock } from "./lease.ts";
import { abortablePause } from "../lock/abortable-pause.ts";
import { compare, operation, transaction } from "./requests.ts";
import { Session } from "./session.ts";

/** How long the end of a lease that has no keys any more is waited for: it would end by itself. */
const closeSeconds = 1;

/** How long the program stays for that: long enough to have sent it. */
const lingerMilliseconds = 2;

/** A lease of at most this may be left to end by itself. */
const maxLeftSeconds = 60;

/** How long a request that gives up may take to leave the queue. */
const deleteSeconds = 1;

/** Before another try, where that was too short. */
const retryMilliseconds = 1000;

export interface SessionPoolOptions {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly ttlSeconds: number | undefined;
  /** Whether leases that nothing hangs on end by themselves. */
  readonly isShortLived: boolean;
  /**
   * Ends a second process that keeps the lease.
   *
   * @param options.endsLease whether that is to end the lease before
   * @returns whether it does
   */
  readonly stopKeeper: (options: { endsLease: boolean }) => boolean;
}

/** A key that is in the queue of a lock, or may come to be there, though nobody wants it any more. */
interface Stray {
  readonly key: string;
  /** Whether a copy of the request that made it may still be carried out. */
  readonly mayReturn: boolean;
}

/** What a session is used for. */
interface Use {
  /** Locks that are waited for or held. */
  readonly names: Set<string>;
  /** By the names of their locks. */
  readonly strays: Map<string, Stray>;
  readonly end: AbortController;
}

export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #uses = new Map<Session, Use>();
  /** Leases without keys that are being ended. */
  readonly #closing: Promise<void>[] = [];
  #isChecked = false;

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  /** The session that others are held under, unless it has a place for this lock already. */
  async sessionFor(
    name: string,
    secondsLeft: number,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    for (const [session, { names, strays }] of this.#uses) {
      if (session.isGone || names.has(name) || strays.has(name)) continue;
      names.add(name);
      return session;
    }
    const { gateway, clock, ttlSeconds } = this.#options;
    const seconds =
      secondsLeft === 0 ? defaultCallSeconds : Math.min(defaultCallSeconds, secondsLeft);
    const opening = Session.open(gateway, clock, { ttlSeconds, seconds, signal });
    if (!this.#isChecked) await gateway.requireOneCluster(opening);
    const session = await opening;
    this.#isChecked = true;
    this.#uses.set(session, {
      names: new Set([name]),
      strays: new Map(),
      end: new AbortController(),
    });
    return session;
  }

  /** Ends the use of a session by a request that was not granted, and takes that out of the queue. */
  async abandon(session: Session, name: string, place: Stray): Promise<void> {
    const names = this.#uses.get(session)?.names;
    // With the last one goes the lease, and with that the key.
    const isLast = names?.size === 1 && names.has(name);
    const isDeleted = !isLast && (await this.#deleteKey(session, place.key));
    await this.letGo(session, name, isDeleted && !place.mayReturn ? undefined : place);
  }

  /**
   * Ends the use of a session by a lock, and with the last one the session.
   *
   * @param stray the lock's key, where that may still be there or come back
   */
  async letGo(session: Session, name: string, stray: Stray | undefined): Promise<void> {
    const use = this.#uses.get(session);
    if (use === undefined) return;
    const { names, strays, end } = use;
    names.delete(name);
    if (stray !== undefined) strays.set(name, stray);
    if (names.size > 0) {
      if (stray !== undefined && strays.size === 1) void this.#sweep(session, use);
      return;
    }
    this.#uses.delete(session);
    end.abort();
    session.stopRenewing();
    // What was released has no key any more: its lease may as well end by itself.
    const isEmpty = strays.size === 0;
    const { isShortLived, stopKeeper } = this.#options;
    const mayLapse = isEmpty && isShortLived && session.lease.ttlSeconds <= maxLeftSeconds;
    if (stopKeeper({ endsLease: !mayLapse }) || mayLapse) return;
    const closing = session.close(closeSeconds);
    if (isEmpty) this.#closing.push(closing);
    else await closing;
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    for (const { end } of this.#uses.values()) end.abort();
    await Promise.all([...this.#uses.keys()].map((session) => session.close(closeSeconds)));
    this.#uses.clear();
    await Promise.race([Promise.all(this.#closing), Bun.sleep(lingerMilliseconds)]);
  }

  /** Deletes the strays of a session until there are none; those that may come back, for as long as it lasts. */
  async #sweep(session: Session, { strays, end }: Use): Promise<void> {
    let milliseconds = retryMilliseconds;
    for (;;) {
      await abortablePause(milliseconds, end.signal);
      if (end.signal.aborted) return;
      milliseconds = session.lease.ttlSeconds * 200;
      for (const [name, { key, mayReturn }] of strays) {
        const isDeleted = await this.#deleteKey(session, key);
        if (!isDeleted) milliseconds = retryMilliseconds;
        else if (!mayReturn) strays.delete(name);
      }
      if (strays.size === 0) return;
    }
  }

  /** @returns whether the server has said that the key does not hang on the lease of the session any more */
  async #deleteKey({ lease }: Session, key: string): Promise<boolean> {
    const request = transaction({
      // A hold that was detached has the same key under another lease.
      compare: [compare.hangsOn(key, lease.id)],
      success: [operation.delete(key)],
    });
    try {
      await this.#options.gateway.call("kv/txn", request, { seconds: deleteSeconds });
      return true;
    } catch (error) {
      if (!(error instanceof LockServerError)) throw error;
      return false;
    }
  }
}
