/** The engine of one host: locks in /dev/shm, shared with the Python module. It waits in the kernel. */
import type {
  AcquireRequest,
  ForcedRelease,
  ForceReleaseOptions,
  Grant,
  LockEngine,
  Refusal,
  WaitState,
  WatchOptions,
} from "../lock/engine.ts";
import { encodeLockInfo, formatLockInfo } from "../lock/info-text.ts";
import { type LockLogger, messages } from "../lock/messages.ts";
import type { Circle } from "../lock/circle.ts";
import { parseLockName } from "../lock/name.ts";
import {
  type GrantRecord,
  type HolderStatus,
  isSureHolder,
  type LockState,
  type LockStatus,
  type Pid,
  pidText,
  type ProcessLabel,
} from "../lock/status.ts";
import { now, timestampOf } from "../posix/clock.ts";
import { processAndAncestors } from "../posix/process-start.ts";
import { abortablePause } from "../lock/abortable-pause.ts";
import { acquireAsync, type Attempt } from "./acquire.ts";
import { HostGrant } from "./grant.ts";
import { HostLock, newSegmentBytes, ownerProcess } from "./host-lock.ts";
import { KernelWait } from "./kernel-wait.ts";
import { isHoldOf } from "./ledger/process-number.ts";
import { kinds } from "./ledger/queue.ts";
import { type Access, accessOf } from "./objects/access.ts";
import type { DeadlockWatch } from "../lock/deadlock-watch.ts";
import { LockView } from "./lock-view.ts";
import { isLockFault } from "./lock-fault.ts";

export interface HostEngineOptions {
  /** Permission bits of locks that are created. */
  readonly mode?: number | undefined;
  /** The group of locks that are created, by name or number. */
  readonly group?: string | number | undefined;
  /**
   * The process that a holder is told of whose lock is forced away.
   *
   * @default this one
   */
  readonly forcedBy?: number | undefined;
  /** Told what was asked for and is not so. */
  readonly warn?: ((text: string) => void) | undefined;
  /** Where debug texts go. */
  readonly logger?: LockLogger | undefined;
}

/** How much longer a watch pauses each time, until it looks as often as it was told. */
const pauseGrowth = 1.2;
/** A message of so many characters fits a new segment, whatever the characters. */
const maxShortMessage = 1000;

export class HostEngine implements LockEngine {
  readonly unsupported = new Set(["ttl"] as const);
  readonly isLeased = false;
  readonly #access: Access;
  /** The mode that was asked for; a group has another one. */
  readonly #askedMode: number | undefined;
  readonly #warn: ((text: string) => void) | undefined;
  readonly #logger: LockLogger | undefined;
  readonly #forcedBy: number;
  /** The locks that grants came from: they stay open, as opening is more expensive than acquiring. */
  readonly #locks = new Map<string, HostLock>();
  /** The locks that were looked at. */
  readonly #views = new Map<string, LockView>();

  /** @throws {RangeError} for a mode or a group that there is not */
  constructor({ mode, group, logger, warn, forcedBy = process.pid }: HostEngineOptions = {}) {
    this.#forcedBy = forcedBy;
    this.#access = accessOf(mode, group);
    this.#askedMode = mode;
    this.#warn = warn;
    this.#logger = logger;
  }

  async acquire(lockName: string, request: AcquireRequest): Promise<Grant | Refusal> {
    request.signal?.throwIfAborted();
    const { kind = "exclusive", ownerProcess: pid, timeoutSeconds, signal, onWait } = request;
    const owner = pid === undefined ? undefined : ownerProcess(pid);
    const lock = this.#openToAcquire(parseLockName(lockName), request);
    if (this.#access.mode !== undefined) await this.#warnOfOtherAccess(lock.name);
    const wait = new KernelWait();
    const { newest, replace, maxWaiters } = request;
    const newcomer =
      newest === true || replace === true || maxWaiters !== undefined
        ? (await import("./ledger/newcomer.ts")).newcomerOf({ newest, replace, maxWaiters })
        : undefined;
    const wish = {
      kind: typeof kind === "object" ? kinds.slots : kinds[kind],
      slots: typeof kind === "object" ? kind.slots : 0,
      slotNames: typeof kind === "object" ? kind.names : undefined,
      message: request.cutMessage === true ? lock.unit.cutToRoom(request.message) : request.message,
      adopt: request.adopt ?? true,
      endsByRelease: request.endsByRelease ?? false,
      newcomer,
      wait: wait.abilities,
    };
    let circle: Circle | undefined;
    let deadlocks: Promise<DeadlockWatch> | undefined;
    const watch = () => (deadlocks ??= this.#watchDeadlocks(lock.name));
    const attempt = lock.request(wish, {
      timeoutSeconds,
      signal,
      lookForDeadlock: async () => {
        const deadlock = await watch();
        try {
          circle = await deadlock.look();
        } catch (error) {
          // A lock that cannot be looked at is no reason to end the wait for another one.
          if (!isLockFault(error)) throw error;
        }
        return circle === undefined ? deadlock.secondsToNext : undefined;
      },
      onWait:
        onWait && ((waitedSeconds) => onWait(waitedSeconds, () => this.#describe(lock, attempt))),
    });
    const granted = await acquireAsync(attempt, wait);
    const holder = lock.settle(attempt, granted);
    if (holder !== undefined) return new HostGrant(lock, holder, { kind, owner, replace });
    const { participant, refusal: reason = "timeout" } = attempt;
    if (circle !== undefined) return deadlockOf(lock.name, circle);
    const by = reason === "timeout" ? [] : othersOf(reason, lock.status(), participant.forcedBy);
    return { granted: false, name: lock.name, reason, by };
  }

  async #watchDeadlocks(lockName: string): Promise<DeadlockWatch> {
    const { watchDeadlocks } = await import("./deadlock.ts");
    return watchDeadlocks(lockName, (name) => this.inspect(name));
  }

  async #warnOfOtherAccess(lockName: string): Promise<void> {
    if (this.#warn === undefined) return;
    const { otherAccessText } = await import("./objects/other-access.ts");
    const text = otherAccessText(lockName, {
      mode: this.#askedMode,
      groupId: this.#access.groupId,
    });
    if (text !== undefined) this.#warn(text);
  }

  #openToAcquire(name: string, { message, cutMessage }: AcquireRequest): HostLock {
    const known = this.#locks.get(name);
    if (known !== undefined) {
      known.unit.doubt();
      return known;
    }
    if (message.length > maxShortMessage && cutMessage !== true) requireFits(name, message);
    return this.#keep(HostLock.openOrCreate(name, this.#access));
  }

  #keep(lock: HostLock): HostLock {
    lock.logger = this.#logger;
    this.#locks.set(lock.name, lock);
    lock.debug("isLocked", () => {
      const locked = lock.unit.readValue() === 0;
      return messages.state(lock.name, locked, lock.readInfo());
    });
    return lock;
  }

  #describe(lock: HostLock, { participant }: Attempt): WaitState {
    // At the semaphore, this request is shown as the holder while nobody knows who is.
    const holders = lock
      .status()
      .holders.filter(({ pid, token }) => token !== 0 || pid !== process.pid);
    return {
      ...participant.position(),
      holders,
      info: lock.readInfo(),
      around: holders.find(isAncestral),
    };
  }

  async inspect(lockName: string): Promise<LockState | undefined> {
    const name = parseLockName(lockName);
    let view = this.#views.get(name);
    if (view === undefined) this.#views.set(name, (view = new LockView(name)));
    return await view.read();
  }

  async *watch(
    lockName: string,
    { everySeconds, firstSeconds = everySeconds, signal }: WatchOptions,
  ): AsyncGenerator<LockState | undefined> {
    using view = new LockView(parseLockName(lockName));
    for (let pauseSeconds = firstSeconds; ; pauseSeconds *= pauseGrowth) {
      yield await view.read();
      await abortablePause(Math.min(pauseSeconds, everySeconds) * 1000, signal);
      if (signal.aborted) return;
    }
  }

  async list({ onlyStale = false } = {}): Promise<LockState[]> {
    const { locksOnHost, staleOnHost } = await import("./inventory/list.ts");
    return onlyStale ? staleOnHost() : locksOnHost();
  }

  async deadlocks(seen?: readonly LockState[]): Promise<Circle[]> {
    const { circlesOnHost } = await import("./deadlock.ts");
    return circlesOnHost(seen);
  }

  async history(lockName: string): Promise<GrantRecord[] | undefined> {
    return this.#withLock(lockName, (lock) => lock?.history());
  }

  async holdAround(lockName: string, claims: readonly string[]): Promise<HolderStatus | undefined> {
    return this.#withLock(lockName, (lock) =>
      lock
        ?.status()
        .holders.find(
          (holder) =>
            isAncestral(holder) ||
            (holder.attachment === "attached" &&
              holder.token !== null &&
              claims.includes(String(holder.token))),
        ),
    );
  }

  async forceRelease(
    lockName: string,
    { by, onlyToken, onlyOwnerPid }: ForceReleaseOptions,
  ): Promise<ForcedRelease> {
    const lock = await this.#openWhole(parseLockName(lockName));
    if (lock === undefined) return { outcome: "missing", holders: [] };
    const meant = { token: onlyToken, process: onlyOwnerPid };
    return lock.forceRelease(by, { by: this.#forcedBy, ...meant });
  }

  /** Opens a lock; one that lost its semaphore while it is in use is made whole. */
  async #openWhole(name: string): Promise<HostLock | undefined> {
    const known = this.#locks.get(name) ?? HostLock.open(name);
    if (known !== undefined) return this.#keep(known);
    const { lostLockStatus } = await import("./inventory/leftover.ts");
    if (lostLockStatus(name) === undefined) return undefined;
    return this.#keep(HostLock.openOrCreate(name, this.#access));
  }

  async writeInfo(lockName: string, text: string): Promise<boolean> {
    return this.#withLock(lockName, (lock) => {
      lock?.writeInfo(text);
      return lock !== undefined;
    });
  }

  /** Runs `act` on a lock, opened for that; on undefined when there is none. */
  #withLock<T>(lockName: string, act: (lock: HostLock | undefined) => T): T {
    const name = parseLockName(lockName);
    const known = this.#locks.get(name);
    if (known !== undefined) return act(known);
    const lock = HostLock.open(name);
    try {
      return act(lock);
    } finally {
      lock?.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lock of [...this.#locks.values(), ...this.#views.values()]) lock.close();
    this.#locks.clear();
    this.#views.clear();
  }
}

function deadlockOf(name: string, circle: Circle): Refusal {
  const by = circle.map(({ blocker }) => blocker);
  return { granted: false, name, reason: "deadlock", by, circle };
}

/** Who superseded a request, or who waits already. */
function othersOf(
  reason: Refusal["reason"],
  { holders, waiters }: LockStatus,
  supersededBy: Pid,
): ProcessLabel[] {
  if (reason === "crowded") return [...waiters];
  const number = pidText(supersededBy);
  if (number === undefined) return [];
  const newer = [...waiters, ...holders].find((one) => pidText(one) === number);
  return [newer ?? { ...supersededBy, command: "" }];
}

/** Checks that a message fits before a lock is created for it; one that exists may have more room. */
function requireFits(name: string, message: string): void {
  const lock = HostLock.open(name);
  if (lock !== undefined) return lock.close();
  encodeLockInfo(formatLockInfo(message, timestampOf(now())), newSegmentBytes);
}

/** Whether a holder is this process or an ancestor of it, or is bound to one. */
function isAncestral(holder: HolderStatus): boolean {
  const { pid } = holder;
  if (!isSureHolder(holder) || pid === null) return false;
  return processAndAncestors().has(pid) && isHoldOf(holder, pid);
}
