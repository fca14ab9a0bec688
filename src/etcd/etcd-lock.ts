/** A lock of many hosts, for programs: the library's door to the engine. */
import { secondsOfTimeout } from "../lock/duration.ts";
import type { RequestedKind } from "../lock/kinds.ts";
import type { Grant } from "../lock/engine.ts";
import { LockClosedError } from "../lock/errors.ts";
import {
  requireFunction,
  requireOptions,
  requireRequest,
  requireSignal,
  requireText,
} from "../lock/request-options.ts";
import type { LockState } from "../lock/status.ts";
import { bootSeconds } from "../posix/clock.ts";
import { EtcdEngine } from "./engine.ts";
import { parseServerLockName } from "./keys.ts";

/** Where the lock is, and how long it outlives its holder. */
export interface EtcdLockOptions {
  /** The members of the etcd cluster: `URL[,URL...]`, or an array. @default the variable RESOURCELOCK_SERVER */
  servers?: string | readonly string[];
  /** How long the lock outlives a holder that dies, in whole seconds. @default 15 */
  ttlSeconds?: number;
  /** Where user, password and certificates are looked for. @default process.env */
  environment?: Readonly<Record<string, string | undefined>>;
  /**
   * Called with what is no error: a place in the queue that was lost, a release that the server did not hear of.
   *
   * @default nothing is done
   */
  onWarning?: (text: string) => void;
}

/** How to request a lock. */
export interface EtcdAcquireOptions {
  /**
   * How long to wait: seconds, or a text such as "500ms", "5s", "1h30m". 0 tries once, null waits forever.
   *
   * @default null
   */
  timeout?: number | string | null;
  /** A note on who takes the lock and why. @default "" */
  lockInfo?: string;
  /** Hold it together with others that say so too. @default false */
  shared?: boolean;
  /**
   * Hold it together with others that give slots too, at most this many at once: 1 to 1023.
   *
   * @default none
   */
  slots?: number;
  /**
   * Gives the request up: the promise is rejected with the signal's reason, and nothing stays taken.
   *
   * @default none
   */
  signal?: AbortSignal;
}

/** A lock of etcd that is held; `await using` releases it. */
export class EtcdLockGuard implements AsyncDisposable {
  readonly #grant: Grant;
  readonly #closing: AbortSignal;
  readonly #onEnd: () => void;
  #signal: AbortSignal | undefined;

  /** @internal */
  constructor(grant: Grant, closing: AbortSignal, onEnd: () => void) {
    this.#grant = grant;
    this.#closing = closing;
    this.#onEnd = onEnd;
  }

  /** The fencing token: higher than that of every grant before. */
  get token(): number {
    return this.#grant.token;
  }

  /** With `slots`: the number of this holder's slot, from 0. */
  get slot(): number {
    return this.#grant.slot ?? 0;
  }

  /**
   * Aborted when the lock is lost, with a {@link LockLostError}: whatever runs under it must stop. When its lease cannot
   * be renewed, that is while nobody else can have it yet: until the reason's `loss.killBySeconds`. Also aborted when the
   * {@link EtcdLock} is closed, with a {@link LockClosedError}.
   */
  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([this.#grant.watchLoss(), this.#closing]);
    return this.#signal;
  }

  /** Releases the lock now; later calls do nothing. @returns false when it had been lost */
  async release(): Promise<boolean> {
    const loss = await this.#grant.release();
    this.#onEnd();
    return loss === undefined;
  }

  /** Releases the lock, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/**
 * A lock that the clients of an etcd cluster share by its name, `etcdctl lock` and `resourcelock run --server` included.
 *
 * @example
 * ```ts
 * await using lock = new EtcdLock("deploy", { servers: "http://127.0.0.1:2379" });
 * await lock.withLock(async (signal) => {
 *   await fetch("http://127.0.0.1:8080/deploy", { signal });
 * });
 * ```
 */
export class EtcdLock implements AsyncDisposable {
  /** The lock's name. */
  readonly lockName: string;
  readonly #engine: EtcdEngine;
  readonly #closing = new AbortController();
  readonly #requests = new Set<Promise<unknown>>();
  readonly #guards = new Set<EtcdLockGuard>();

  /**
   * @throws {LockNameError} for a name that cannot be used
   * @throws {LockServerError} for servers or settings that cannot be used
   * @throws {TypeError} for a name that is no string, and for an option of another type
   * @throws {RangeError} for a time that is not in whole seconds
   */
  constructor(lockName: string, options: EtcdLockOptions = {}) {
    this.lockName = parseServerLockName(lockName);
    requireOptions(options);
    requireFunction("onWarning", options.onWarning);
    requireTtl(options.ttlSeconds);
    const environment = options.environment ?? process.env;
    const servers = options.servers ?? environment["RESOURCELOCK_SERVER"] ?? "";
    const list = typeof servers === "string" ? [servers] : servers;
    if (!Array.isArray(list)) requireText("servers", list);
    for (const server of list) requireText("servers", server);
    this.#engine = new EtcdEngine({
      servers: list.join(","),
      environment,
      ttlSeconds: options.ttlSeconds,
      clock: bootSeconds,
      ...(options.onWarning === undefined ? {} : { warn: options.onWarning }),
    });
  }

  /**
   * Waits for the lock.
   *
   * @returns undefined when it was not granted in time
   * @throws {LockServerError} when the server cannot be used
   * @throws {LockClosedError} after {@link close}, which also ends the wait
   * @throws {RangeError} for a timeout that is negative or no duration, and for slots that there are not
   * @throws {TypeError} for an option of another type
   */
  async acquire(options: EtcdAcquireOptions = {}): Promise<EtcdLockGuard | undefined> {
    this.#requireOpen();
    requireRequest(options);
    const request = this.#request(options);
    this.#requests.add(request);
    try {
      return await request;
    } finally {
      this.#requests.delete(request);
    }
  }

  async #request(options: EtcdAcquireOptions): Promise<EtcdLockGuard | undefined> {
    const { timeout = null, lockInfo = "", signal } = options;
    const closing = this.#closing.signal;
    const wanted = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    const answer = await this.#engine.acquire(this.lockName, {
      kind: kindOf(options),
      message: lockInfo,
      timeoutSeconds: secondsOfTimeout(timeout),
      signal: wanted,
    });
    if (!answer.granted) return undefined;
    if (wanted.aborted) {
      // Given up just after the grant, of which nobody has been told.
      await answer.release();
      throw wanted.reason;
    }
    const guard = new EtcdLockGuard(answer, closing, () => this.#guards.delete(guard));
    this.#guards.add(guard);
    return guard;
  }

  /**
   * Runs a function while the lock is held.
   *
   * @param work gets a signal that is aborted when the lock is lost, and the guard
   * @returns what `work` returns; undefined when the lock was not granted in time
   * @throws {LockLostError} when the lock was lost before `work` had ended
   * @throws {LockClosedError} when it was closed before that
   * @throws {TypeError} when `work` is no function, as when the options come first; then nothing is taken
   */
  async withLock<Result>(
    work: (signal: AbortSignal, guard: EtcdLockGuard) => Result | Promise<Result>,
    options: EtcdAcquireOptions = {},
  ): Promise<Result | undefined> {
    if (typeof work !== "function") {
      throw new TypeError(
        `Cannot run under lock "${this.lockName}": give the function first, then the options`,
      );
    }
    await using guard = await this.acquire(options);
    if (guard === undefined) return undefined;
    const result = await work(guard.signal, guard);
    // One that was lost while the thread was busy is known only now.
    const isHeld = await guard.release();
    if (guard.signal.aborted || !isHeld) throw guard.signal.reason;
    return result;
  }

  /** Looks who holds the lock and who waits. @returns undefined when nobody has ever used it */
  async status(): Promise<LockState | undefined> {
    this.#requireOpen();
    return await this.#engine.inspect(this.lockName);
  }

  /** Yields the state of the lock at once, and again at each change, until `signal` aborts. */
  async *watch(options: { signal: AbortSignal }): AsyncGenerator<LockState | undefined> {
    this.#requireOpen();
    requireOptions(options);
    const { signal } = options;
    // null, as here the signal is what ends it.
    requireSignal(signal ?? null);
    yield* this.#engine.watch(this.lockName, { everySeconds: Infinity, signal });
  }

  /** Ends the requests that wait, releases what is held, and ends the lease. The lock is of no use from then on. */
  async close(): Promise<void> {
    this.#closing.abort(this.#closedError());
    await Promise.allSettled(this.#requests);
    await Promise.all([...this.#guards].map((guard) => guard.release()));
    await this.#engine[Symbol.asyncDispose]();
  }

  /** Closes it, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw this.#closedError();
  }

  #closedError(): LockClosedError {
    return new LockClosedError(`Cannot use lock "${this.lockName}": it was closed`);
  }
}

function requireTtl(seconds: number | undefined): void {
  if (seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 1)) return;
  throw new RangeError(
    `Cannot let a lock outlive its holder for ${String(seconds)} seconds: give whole seconds, from 1`,
  );
}

function kindOf({ shared = false, slots }: EtcdAcquireOptions): RequestedKind {
  if (slots !== undefined) return { slots };
  return shared ? "shared" : "exclusive";
}
