/** The resource lock: `resource_lock` of the Python module cjnfuncs.resourcelock, on the same objects. */
import { now } from "../posix/clock.ts";
import type { Semaphore } from "../posix/semaphore.ts";
import { LockClosedError, LockNotFoundError } from "./errors.ts";
import type { InfoSegment } from "./info-segment.ts";
import { LockGuard } from "./lock-guard.ts";
import { encodeLockInfo, formatLockInfo } from "./lock-info.ts";
import { parseLockName } from "./lock-name.ts";
import {
  openInfoSegment,
  openOrCreateInfoSegment,
  openOrCreateSemaphore,
  openSemaphore,
  writeInfo,
} from "./lock-objects.ts";
import { LockRequest } from "./lock-request.ts";
import { messages } from "./messages.ts";

/** The size of a segment that is made, unless another one is asked for: the Python module's. */
export const newSegmentBytes = 4096;

/** Where a lock's debug texts go. */
export interface LockLogger {
  /**
   * @param text the text, in the Python module's words
   * @param method the method that says it
   */
  debug(text: string, method: "getLock" | "ungetLock" | "isLocked" | "lockValue" | "close"): void;
}

export interface ResourceLockOptions {
  /** Bytes of the info segment, when it has to be made; one that exists keeps its size. Default 4096. */
  sharedMemorySize?: number;
  /** Whether to make the lock's objects when there are none. Default true. */
  create?: boolean;
  /** Where debug texts go. Default: nowhere. */
  logger?: LockLogger | undefined;
}

export interface GetLockOptions {
  /** Seconds to wait at most: 0 tries once, null waits for ever. Default 1. */
  timeout?: number | null;
  /** A note on who takes the lock and why; the date and time are put before it. Default "". */
  lockInfo?: string;
}

export interface UngetLockOptions {
  /** Release the lock whoever holds it. Default false. */
  force?: boolean;
  /** What code releases the lock, for the debug text. Default "". */
  whereCalled?: string;
}

/** Between two looks of {@link ResourceLock.acquire}: from this ... */
const shortestPollMilliseconds = 1;
/** ... growing to this. */
const longestPollMilliseconds = 10;

/**
 * A lock that all processes of this host share by its name.
 *
 * It is a lock on the honour system: who may open it may also release it. It is as good between the
 * threads of a process as between processes.
 *
 * @example
 * ```ts
 * using lock = new ResourceLock("i2c-1");
 * if (lock.getLock({ timeout: 2, lockInfo: "thermometer" })) {
 *   // the bus is ours
 *   lock.ungetLock();
 * }
 * ```
 */
export class ResourceLock implements Disposable {
  /** The lock's name, without the leading slash of its objects. */
  readonly lockName: string;
  /** Whether this object got the lock and has not released it. */
  iHaveTheLock = false;
  /** Where debug texts go; undefined is nowhere. */
  logger: LockLogger | undefined;

  #closed = false;
  readonly #semaphore: Semaphore;
  #infoSegment: InfoSegment | undefined;
  readonly #sharedMemorySize: number;

  /**
   * @param lockName with or without a leading slash; 1 to 247 bytes without another one
   * @throws {LockNameError} for a name that cannot be used
   * @throws {LockNotFoundError} with `create: false`, where nobody has made the lock yet
   * @throws {LockPermissionError} where the lock is another user's
   * @throws {LockCreateError} where /dev/shm is full, read-only or absent
   * @throws {LockDamagedError} where its files are not those of a lock
   */
  constructor(
    lockName: string,
    { sharedMemorySize = newSegmentBytes, create = true, logger }: ResourceLockOptions = {},
  ) {
    if (!Number.isSafeInteger(sharedMemorySize) || sharedMemorySize < 1) {
      throw new RangeError(`Cannot make an info segment of ${sharedMemorySize} bytes`);
    }
    this.lockName = parseLockName(lockName);
    this.logger = logger;
    this.#sharedMemorySize = sharedMemorySize;
    // The segment first: of the two it is the one that is likelier not to be had.
    this.#infoSegment = create
      ? openOrCreateInfoSegment(this.lockName, sharedMemorySize)
      : openInfoSegment(this.lockName);
    try {
      const semaphore = create
        ? openOrCreateSemaphore(this.lockName)
        : openSemaphore(this.lockName);
      if (semaphore === undefined) {
        throw new LockNotFoundError(this.lockName, messages.missing(this.lockName));
      }
      this.#semaphore = semaphore;
    } catch (error) {
      if (create) this.#infoSegment?.discard();
      else this.#infoSegment?.close();
      throw error;
    }
    if (logger !== undefined) this.isLocked();
  }

  /** Whether {@link close} was called, so that code can tell and open the lock anew. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Requests the lock and blocks the thread, event loop included, until it is granted or time is up.
   * {@link acquire} is the one that lets the event loop go on.
   *
   * @param options.sameProcessOk answer true at once if this object has the lock. Default false: then a
   * second request waits for the first to be released, like any other's
   * @returns whether the lock was granted in time
   * @throws {LockInfoError} where the info text does not fit the segment; nothing was taken
   * @throws {RangeError} where the timeout is negative or not a number
   * @throws {LockClosedError}
   */
  getLock({
    timeout = 1,
    sameProcessOk = false,
    lockInfo = "",
  }: GetLockOptions & { sameProcessOk?: boolean } = {}): boolean {
    this.#requireOpen();
    if (sameProcessOk && this.iHaveTheLock) {
      this.#debug("getLock", () => messages.alreadyAcquired(this.lockName, this.getLockInfo()));
      return true;
    }
    const request = this.request({ timeout, lockInfo });
    let granted = request.poll();
    while (!granted && request.remainingSeconds > 0) {
      granted = request.block(longestBlockSeconds) === "granted";
    }
    return this.settle(granted, lockInfo);
  }

  /**
   * Like {@link getLock}, for `using`: the lock is released at the end of the block.
   *
   * @returns undefined where the lock was not granted in time
   * @throws as {@link getLock}
   * @example
   * ```ts
   * using guard = lock.hold({ timeout: 2 });
   * if (guard === undefined) return;
   * ```
   */
  hold(options: GetLockOptions = {}): LockGuard | undefined {
    return this.getLock(options) ? new LockGuard(this) : undefined;
  }

  /**
   * Like {@link hold}, without blocking the event loop: it looks every 1 to 10 ms.
   *
   * @param options.signal gives the request up: the promise is rejected with the signal's reason, and
   * nothing stays taken
   * @returns undefined where the lock was not granted in time
   * @throws as {@link getLock}
   */
  async acquire({
    timeout = 1,
    lockInfo = "",
    signal,
  }: GetLockOptions & { signal?: AbortSignal | undefined } = {}): Promise<LockGuard | undefined> {
    this.#requireOpen();
    signal?.throwIfAborted();
    const request = this.request({ timeout, lockInfo });
    let pauseMilliseconds = shortestPollMilliseconds;
    let granted = request.poll();
    while (!granted && request.remainingSeconds > 0) {
      await pause(Math.min(pauseMilliseconds, request.remainingSeconds * 1000), signal);
      pauseMilliseconds = Math.min(pauseMilliseconds * 1.5, longestPollMilliseconds);
      this.#requireOpen();
      granted = request.poll();
    }
    return this.settle(granted, lockInfo) ? new LockGuard(this) : undefined;
  }

  /**
   * Starts a request whose waiting the caller does, as the command line does between signals and notices.
   * When it is over, {@link settle} has to be told.
   *
   * @throws as {@link getLock}
   */
  request({ timeout = 1, lockInfo = "" }: GetLockOptions = {}): LockRequest {
    this.#requireOpen();
    // What does not fit must be known before anything is taken; the date always has the same length.
    encodeLockInfo(formatLockInfo(lockInfo, now()), this.#openInfoSegment().bytes);
    return new LockRequest(this.#semaphore, timeout);
  }

  /**
   * Ends a request: writes the info text of a grant, or says that there was none.
   *
   * @returns `granted`
   */
  settle(granted: boolean, lockInfo: string): boolean {
    if (!granted) {
      this.#debug("getLock", () => messages.timedOut(this.lockName, this.getLockInfo()));
      return false;
    }
    const info = formatLockInfo(lockInfo, now());
    try {
      this.setLockInfo(info);
    } catch (error) {
      this.#semaphore.post();
      throw error;
    }
    this.iHaveTheLock = true;
    this.#debug("getLock", () => messages.granted(this.lockName, info));
    return true;
  }

  /**
   * Releases the lock if this object has it. A call too many does no harm, so it can stand in clean-up
   * code.
   *
   * @returns false where the lock was not locked, or is another's and `force` was not given
   * @throws {LockClosedError}
   */
  ungetLock({ force = false, whereCalled = "" }: UngetLockOptions = {}): boolean {
    this.#requireOpen();
    if (this.#semaphore.value !== 0) {
      this.iHaveTheLock = false;
      this.#debug("ungetLock", () => messages.extraneous(this.lockName, whereCalled));
      return false;
    }
    if (!this.iHaveTheLock && !force) {
      this.#debug("ungetLock", () => messages.notOwned(this.lockName, whereCalled));
      return false;
    }
    const message = this.iHaveTheLock ? messages.released : messages.forceReleased;
    this.iHaveTheLock = false;
    this.#semaphore.post();
    this.#debug("ungetLock", () => message(this.lockName, whereCalled));
    return true;
  }

  /**
   * Whether the lock is locked, by whomever. The answer may be out of date before the caller sees it: to
   * take the lock if it is free, use `getLock({ timeout: 0 })`.
   *
   * @throws {LockClosedError}
   */
  isLocked(): boolean {
    this.#requireOpen();
    const locked = this.#semaphore.value === 0;
    this.#debug("isLocked", () => messages.state(this.lockName, locked, this.getLockInfo()));
    return locked;
  }

  /**
   * The semaphore's value: 0 is locked, 1 is free. As with {@link isLocked}, it may be out of date at once.
   *
   * @throws {LockClosedError}
   */
  lockValue(): number {
    this.#requireOpen();
    const { value } = this.#semaphore;
    this.#debug("lockValue", () => messages.value(this.lockName, value));
    return value;
  }

  /**
   * The info text: of the last grant, which stays after the release, or what {@link setLockInfo} wrote;
   * "" for a new lock. What is not UTF-8 becomes U+FFFD.
   *
   * @throws {LockClosedError}
   */
  getLockInfo(): string {
    this.#requireOpen();
    this.#infoSegment ??= openInfoSegment(this.lockName);
    return this.#infoSegment?.read() ?? "";
  }

  /**
   * Writes the info text, without a date, whoever holds the lock: the segment also serves as a block of
   * text that processes share.
   *
   * @throws {LockInfoError} where it does not fit the segment or has a NUL in it
   * @throws {LockClosedError}
   */
  setLockInfo(text: string): void {
    this.#requireOpen();
    const segment = this.#openInfoSegment();
    writeInfo(this.lockName, segment, encodeLockInfo(text, segment.bytes));
  }

  /**
   * Lets go of the lock's objects, not of the lock: what is held stays held. Later calls do nothing, and
   * every other use is a {@link LockClosedError}.
   */
  close(): void {
    if (this.#closed) return;
    this.#release();
    this.#closed = true;
    this.#debug("close", () => messages.closed(this.lockName));
  }

  /** {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #openInfoSegment(): InfoSegment {
    this.#infoSegment ??= openOrCreateInfoSegment(this.lockName, this.#sharedMemorySize);
    return this.#infoSegment;
  }

  #release(): void {
    this.#semaphore.close();
    this.#infoSegment?.close();
  }

  #requireOpen(): void {
    if (this.#closed)
      throw new LockClosedError(`Cannot use lock <${this.lockName}>: it was closed`);
  }

  #debug(method: Parameters<LockLogger["debug"]>[1], text: () => string): void {
    this.logger?.debug(text(), method);
  }
}

/** One call to the kernel waits no longer; the loop goes on. */
const longestBlockSeconds = 3600;

/** A pause that a signal ends by rejecting. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
