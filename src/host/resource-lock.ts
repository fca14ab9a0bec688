/** The resource lock: `resource_lock` of the Python module cjnfuncs.resourcelock, on the same objects. */
import { secondsOfTimeout } from "../lock/duration.ts";
import { LockClosedError, LockNotFoundError } from "../lock/errors.ts";
import { LockGuard } from "../lock/guard.ts";
import { type LockLogger, messages } from "../lock/messages.ts";
import { parseLockName } from "../lock/name.ts";
import { requireRequest, requireText } from "../lock/request-options.ts";
import type { GrantRecord, LockStatus } from "../lock/status.ts";
import {
  acquireAsync,
  acquireBlocking,
  type Attempt,
  futexWait,
  timerWait,
  type WaitStrategy,
} from "./acquire.ts";
import { HostLock, newSegmentBytes, ownerProcess as lookUpOwner } from "./host-lock.ts";
import type { Participant } from "./ledger/participant.ts";
import { kinds } from "./ledger/queue.ts";
import {
  type GetLockOptions,
  openFrom,
  requireOpening,
  requireProcessId,
  requireRelease,
  type ResourceLockOptions,
  type UngetLockOptions,
} from "./lock-options.ts";
import { accessOf } from "./objects/access.ts";

/**
 * A lock that all processes of this host share by its name.
 *
 * It is a lock on the honour system: who may open it may also release it. It works between the
 * threads of a process as between processes; but what a Worker holds when it is terminated stays held as long as the
 * process lives.
 *
 * @example
 * ```ts
 * using lock = new ResourceLock("i2c-1");
 * if (lock.getLock({ timeout: "2s", lockInfo: "thermometer" })) {
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
  readonly #lock: HostLock;
  /** The participants that hold, the last one last. */
  readonly #grants: Participant[] = [];
  /** What {@link acquire} waits for. */
  readonly #pending = new Set<Attempt>();

  /**
   * Opens a lock, and creates it if there is none.
   *
   * @param lockName with or without a leading slash; 1 to 247 bytes without another one
   * @param options how to open it
   * @throws {LockNameError} for a name that cannot be used
   * @throws {TypeError} for a name that is no string, and for an option of another type
   * @throws {LockNotFoundError} with `create: false`, if nobody has created the lock yet
   * @throws {LockPermissionError} if the lock is another user's, or this user is not in `group`
   * @throws {RangeError} for a `mode` or `group` that there is not
   * @throws {LockCreateError} if /dev/shm is full, read-only or absent
   * @throws {LockDamagedError} if its files are not those of a lock
   */
  constructor(lockName: string, options: ResourceLockOptions = {}) {
    requireOpening(options);
    const { sharedMemorySize = newSegmentBytes, create = true, mode, group, logger } = options;
    this.lockName = parseLockName(lockName);
    const access = accessOf(mode, group);
    const lock = create
      ? HostLock.openOrCreate(this.lockName, access, sharedMemorySize)
      : HostLock.open(this.lockName, sharedMemorySize);
    if (lock === undefined) throw new LockNotFoundError(this.lockName);
    this.#lock = lock;
    lock.logger = logger;
    if (logger !== undefined) this.isLocked();
  }

  /** The receiver of debug texts, if there is one. */
  get logger(): LockLogger | undefined {
    return this.#lock.logger;
  }

  set logger(logger: LockLogger | undefined) {
    this.#lock.logger = logger;
  }

  /** Whether {@link close} was called, so that code can tell and open the lock again. */
  get closed(): boolean {
    return this.#lock.closed;
  }

  /**
   * Requests the lock and blocks the thread, event loop included, until it is granted or time is up.
   * {@link acquire} lets the event loop go on.
   *
   * @param options how to request it
   * @param options.sameProcessOk whether to answer true at once if this object has the lock. By default a second
   * request waits until the first hold is released, like any other's
   * @returns whether the lock was granted in time
   * @throws {LockInfoError} if the info text does not fit; nothing was taken
   * @throws {LockFullError} if 1,023 hold the lock or wait for it already
   * @throws {RangeError} for a timeout that is negative or no duration, and for slots that there are not
   * @throws {TypeError} for an option of another type
   * @throws {LockClosedError} after {@link close}
   * @example
   * ```ts
   * if (lock.getLock({ timeout: "2s", lockInfo: "thermometer" })) lock.ungetLock();
   * ```
   */
  getLock(options: GetLockOptions & { sameProcessOk?: boolean | undefined } = {}): boolean {
    this.#requireOpen();
    requireRequest(options);
    if (options.sameProcessOk === true && this.iHaveTheLock) {
      this.#lock.debug("getLock", () =>
        messages.alreadyAcquired(this.lockName, this.getLockInfo()),
      );
      return true;
    }
    const attempt = this.#request(options, futexWait);
    return this.#settle(attempt, acquireBlocking(attempt, futexWait));
  }

  /**
   * Requests the lock like {@link getLock}, for `using`: it is released at the end of the block.
   *
   * @param options how to request it
   * @returns the guard; undefined if the lock was not granted in time, so check for it
   * @throws as {@link getLock}
   * @example
   * ```ts
   * using guard = lock.hold({ timeout: 2 });
   * if (guard === undefined) return;
   * ```
   */
  hold(options: GetLockOptions = {}): LockGuard | undefined {
    return this.getLock(options) ? this.#guard() : undefined;
  }

  /**
   * Requests the lock like {@link hold}, without blocking the event loop: it looks every 1 to 10 ms.
   *
   * @param options how to request it
   * @param options.signal gives the request up: the promise is rejected with the signal's reason, and
   * nothing stays taken
   * @returns the guard; undefined if the lock was not granted in time, so check for it
   * @throws as {@link getLock}
   * @example
   * ```ts
   * using guard = await lock.acquire({ timeout: "5s", signal });
   * if (guard === undefined) return;
   * ```
   */
  async acquire(
    options: GetLockOptions & { signal?: AbortSignal | undefined } = {},
  ): Promise<LockGuard | undefined> {
    this.#requireOpen();
    requireRequest(options);
    const { signal } = options;
    signal?.throwIfAborted();
    const attempt = this.#request(options, timerWait, signal);
    this.#pending.add(attempt);
    try {
      const granted = await acquireAsync(attempt, timerWait, signal);
      return this.#settle(attempt, granted) ? this.#guard() : undefined;
    } finally {
      this.#pending.delete(attempt);
    }
  }

  #guard(): LockGuard | undefined {
    const grant = this.#grants.at(-1);
    return grant && new LockGuard(grant, () => this.#ungetGrant(grant, "guard"));
  }

  #request(
    { timeout = 1, lockInfo = "", shared = false, slots, adopt = true }: GetLockOptions,
    { abilities }: WaitStrategy,
    signal?: AbortSignal,
  ): Attempt {
    const timeoutSeconds = secondsOfTimeout(timeout);
    const kind = shared ? kinds.shared : slots === undefined ? kinds.exclusive : kinds.slots;
    const wish = { kind, slots: slots ?? 0, message: lockInfo, adopt, wait: abilities };
    return this.#lock.request(wish, { timeoutSeconds, signal });
  }

  /** Ends a request that was granted or has lapsed. @returns `granted` */
  #settle(attempt: Attempt, granted: boolean): boolean {
    const holder = this.#lock.settle(attempt, granted);
    if (holder === undefined) return false;
    this.#grants.push(holder);
    this.iHaveTheLock = true;
    return true;
  }

  /**
   * Turns what this object holds into a detached hold, which stays when the process ends, until it is released
   * by force.
   *
   * @param ownerProcess the process that the hold is bound to: once it has ended, the next waiter takes over. 0 is none
   * @returns false if nothing was held, or not any more
   * @throws {RangeError} for a number that no process has
   * @throws {LockClosedError} after {@link close}
   */
  detach(ownerProcess = 0): boolean {
    this.#requireOpen();
    requireProcessId(ownerProcess);
    const grant = this.#grants.pop();
    this.iHaveTheLock = this.#grants.length > 0;
    const owner = ownerProcess === 0 ? undefined : lookUpOwner(ownerProcess);
    return grant !== undefined && this.#lock.detach(grant, owner);
  }

  /** The fencing token of what this object holds, higher than that of every grant before; 0 for none. */
  get token(): number {
    return this.#grants.at(-1)?.token ?? 0;
  }

  /** The number of the slot that this object holds, from 0. */
  get slot(): number {
    return this.#grants.at(-1)?.slot ?? 0;
  }

  /**
   * Opens a descriptor that keeps the lock held for programs that are started from now on and inherit it, as long as
   * one of them lives.
   *
   * @param lowestDescriptor the lowest number it may have
   * @returns its number; undefined if this object does not have the lock
   * @throws {RangeError} for a number that no descriptor can have
   * @throws {LockClosedError} after {@link close}
   */
  handOn(lowestDescriptor: number): number | undefined {
    this.#requireOpen();
    return openFrom(lowestDescriptor, (lowest) => this.#grants.at(-1)?.handOn(lowest));
  }

  /**
   * Tells who holds the lock and who waits. The answer may be out of date before the caller sees it.
   *
   * @returns holders and waiters, these in the order in which they will be served
   * @throws {LockClosedError} after {@link close}
   */
  status(): LockStatus {
    this.#requireOpen();
    return this.#lock.status();
  }

  /**
   * Tells the last grants and the requests that gave up, as far as the ledger still has them: about 30. Those of
   * Python programs are not among them.
   *
   * @returns the records, the oldest first
   * @throws {LockClosedError} after {@link close}
   */
  history(): GrantRecord[] {
    this.#requireOpen();
    return this.#lock.history();
  }

  /**
   * Releases the lock if this object has it. A call too many does no harm, so it can stand in clean-up
   * code.
   *
   * @param options how to release it
   * @returns false if the lock was not locked, or is another's and `force` was not given
   * @throws {LockClosedError} after {@link close}
   */
  ungetLock(options: UngetLockOptions = {}): boolean {
    this.#requireOpen();
    requireRelease(options);
    const { force = false, whereCalled = "" } = options;
    const grant = this.#grants.at(-1);
    if (this.iHaveTheLock && grant !== undefined) return this.#ungetGrant(grant, whereCalled);
    this.#lock.unit.requireWhole();
    const value = this.#lock.unit.readValue();
    if (!this.iHaveTheLock && !force) {
      const refused = value === 0 ? messages.notOwned : messages.extraneous;
      this.#lock.debug("ungetLock", () => refused(this.lockName, whereCalled));
      return false;
    }
    const released = this.#lock.forceRelease(whereCalled).outcome === "released";
    // What this object itself held was forced from it, too.
    if (value === 0 || released) for (const own of this.#grants.splice(0)) this.#lock.retire(own);
    this.iHaveTheLock = false;
    return released;
  }

  #ungetGrant(grant: Participant, whereCalled: string): boolean {
    this.#requireOpen();
    const index = this.#grants.indexOf(grant);
    if (index === -1) return false;
    this.#grants.splice(index, 1);
    this.iHaveTheLock = this.#grants.length > 0;
    return this.#lock.release(grant, whereCalled);
  }

  /**
   * Tells whether the lock is locked, by whomever. The answer may be out of date before the caller sees it: to
   * take the lock if it is free, use `getLock({ timeout: 0 })`.
   *
   * @returns whether it is locked
   * @throws {LockClosedError} after {@link close}
   */
  isLocked(): boolean {
    this.#requireOpen();
    this.#follow();
    const locked = this.#lock.unit.readValue() === 0;
    this.#lock.debug("isLocked", () => messages.state(this.lockName, locked, this.getLockInfo()));
    return locked;
  }

  /**
   * Reads the semaphore. As with {@link isLocked}, the answer may be out of date at once.
   *
   * @returns its value: 0 is locked, 1 is free
   * @throws {LockClosedError} after {@link close}
   */
  lockValue(): number {
    this.#requireOpen();
    this.#follow();
    const value = this.#lock.unit.readValue();
    this.#lock.debug("lockValue", () => messages.value(this.lockName, value));
    return value;
  }

  /**
   * Reads the info text: that of the last grant, which stays after the release, or what {@link setLockInfo} wrote.
   *
   * @returns the text; "" for a new lock. U+FFFD stands for what is not UTF-8
   * @throws {LockClosedError} after {@link close}
   */
  getLockInfo(): string {
    this.#requireOpen();
    this.#follow();
    return this.#lock.readInfo();
  }

  /**
   * Writes the info text, without a date, whoever holds the lock: the segment also serves as a block of
   * text that processes share.
   *
   * @param text the text
   * @throws {LockInfoError} if it does not fit or has a NUL in it
   * @throws {LockClosedError} after {@link close}
   */
  setLockInfo(text: string): void {
    this.#requireOpen();
    requireText("text", text);
    this.#lock.writeInfo(text);
  }

  /**
   * Lets go of the lock's objects, not of the lock: what is held stays held, without a process. A request that
   * waits is withdrawn, and {@link acquire} rejects with a {@link LockClosedError}. Later calls do nothing, and every
   * other use is a {@link LockClosedError}.
   */
  close(): void {
    if (this.closed) return;
    // The last one first, and all of them whatever one throws.
    using steps = new DisposableStack();
    steps.defer(() => this.#lock.debug("close", () => messages.closed(this.lockName)));
    steps.defer(() => this.#lock.close());
    for (const attempt of this.#pending) {
      steps.defer(() => this.#lock.cancel(attempt, this.#closedError()));
    }
    for (const grant of this.#grants.splice(0)) steps.defer(() => void this.#lock.detach(grant));
  }

  /** Releases what this object holds, however the block was left, and {@link close}s it. For `using`. */
  [Symbol.dispose](): void {
    if (this.closed) return;
    using steps = new DisposableStack();
    steps.defer(() => this.close());
    for (const grant of this.#grants.splice(0)) {
      steps.defer(() => void this.#lock.release(grant, "dispose"));
    }
    this.iHaveTheLock = false;
  }

  /** Follows objects that were created again since; with what is held in the old ones nothing changes. */
  #follow(): void {
    if (this.#grants.length === 0) this.#lock.unit.reopenIfReplaced();
    else this.#lock.unit.requireWhole();
  }

  #requireOpen(): void {
    if (this.closed) throw this.#closedError();
  }

  #closedError(): LockClosedError {
    return new LockClosedError(`Cannot use lock "${this.lockName}": it was closed`);
  }
}
