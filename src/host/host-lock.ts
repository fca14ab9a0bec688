/**
 * One lock of this host: its objects, opened, and what one owner of them requests and holds. Both faces of the host
 * stand on it: the engine of the command line, and the class of the library.
 */
import { now, timestampOf } from "../posix/clock.ts";
import { isAlive, processStart, unknownStart } from "../posix/process-start.ts";
import { formatLockInfo } from "../lock/info-text.ts";
import { type LockLogger, messages } from "../lock/messages.ts";
import type { GrantRecord, HolderStatus, LockStatus } from "../lock/status.ts";
import { Attempt, type AttemptOptions } from "./acquire.ts";
import { historyOf } from "./history.ts";
import { lockStates } from "./ledger/layout.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Wish } from "./ledger/own-seat.ts";
import { Participant } from "./ledger/participant.ts";
import { forceRelease, isMeant, type MeantHold } from "./ledger/force.ts";
import { initialSemaphoreValue, writeInfoText } from "./ledger/record.ts";
import type { Access } from "./objects/access.ts";
import { openLedger, openOrCreateLedger } from "./objects/objects.ts";
import { LockUnit } from "./objects/unit.ts";
import { holdersOf, statusOf } from "./status.ts";

/** The size of a segment that is made, unless another one is asked for: the Python module's. */
export const newSegmentBytes = 4096;

/** A process that a hold is bound to, told apart from a later one of the same number. */
export interface OwnerProcess {
  readonly pid: number;
  /** As {@link processStart} gave it, {@link unknownStart} for one that it does not see; undefined for one that has ended. */
  readonly start: number | undefined;
}

/** Of one that has ended: no process was started then. */
const noStart = -1;

/** Looks a process up, so that a hold can be bound to it later. */
export function ownerProcess(pid: number): OwnerProcess {
  const start = processStart(pid);
  // To one who sees it, it must not look as if another process had its number.
  return { pid, start: start === undefined && isAlive(pid) ? unknownStart : start };
}

export class HostLock {
  readonly name: string;
  readonly unit: LockUnit;
  logger: LockLogger | undefined;
  readonly #access: Access;
  /** A ledger that no participant uses now: opening one is more expensive than a whole grant. */
  #spareLedger: Ledger | undefined;
  #closed = false;

  private constructor(name: string, unit: LockUnit, access: Access, ledger: Ledger | undefined) {
    this.name = name;
    this.unit = unit;
    this.#access = access;
    this.#spareLedger = ledger;
  }

  /** Opens a lock. @returns undefined when it has no semaphore */
  static open(name: string, segmentBytes = newSegmentBytes): HostLock | undefined {
    const unit = LockUnit.open(name, segmentBytes);
    return unit && new HostLock(name, unit, {}, undefined);
  }

  /**
   * Opens a lock, and creates what it lacks.
   *
   * @param access of a lock that is created
   */
  static openOrCreate(name: string, access: Access, segmentBytes = newSegmentBytes): HostLock {
    const ledger = openOrCreateLedger(name, access);
    try {
      const unit = LockUnit.openOrCreate(name, segmentBytes, () =>
        ledger.transact(() => initialSemaphoreValue(ledger)),
      );
      return new HostLock(name, unit, access, ledger);
    } catch (error) {
      ledger.discard();
      throw error;
    }
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Starts a request: `acquireBlocking` or `acquireAsync` waits for it, and {@link settle} ends it.
   *
   * @throws {LockInfoError} when the message does not fit the segment; nothing was taken
   */
  request(wish: Wish, options: Omit<AttemptOptions, "returnLedger">): Attempt {
    const { message } = wish;
    // What does not fit must be known before anything is taken; the date always has the same length.
    if (!this.unit.surelyFits(message)) {
      this.unit.encode(formatLockInfo(message, timestampOf(now())));
    }
    const participant = new Participant(() => this.#takeLedger(), this.unit, wish);
    const returnLedger = (ledger: Ledger) => this.#keepLedger(ledger);
    return new Attempt(participant, { ...options, returnLedger });
  }

  /**
   * Ends a request that was granted or has lapsed.
   *
   * @returns its participant, which holds the lock now; undefined when it was not granted
   * @throws the reason of its signal or of {@link cancel}, where it was given up since its grant: that is released
   */
  settle(attempt: Attempt, granted: boolean): Participant | undefined {
    try {
      attempt.throwIfAborted();
    } catch (error) {
      // Its ledger was closed with the lock.
      if (granted && !this.#closed) this.retire(attempt.participant);
      throw error;
    }
    if (granted) {
      const { participant } = attempt;
      this.debug("getLock", () => messages.granted(this.name, participant.info));
      return participant;
    }
    this.debug("getLock", () => messages.timedOut(this.name, this.readInfo()));
    attempt.withdraw();
    return undefined;
  }

  /** Gives up a request, and what it was granted if it was not settled yet, as nobody has been told. */
  cancel(attempt: Attempt, reason: Error): void {
    attempt.cancel(reason);
    if (attempt.isGranted) this.retire(attempt.participant);
  }

  /**
   * Releases a hold.
   *
   * @param exitStatus of the command that ran under it, for the history
   * @returns false when it was lost before
   */
  release(holder: Participant, whereCalled: string, exitStatus?: number): boolean {
    const released = this.retire(holder, exitStatus);
    this.debug("ungetLock", () => {
      if (released) return messages.released(this.name, whereCalled);
      const refused = this.unit.readValue() === 0 ? messages.notOwned : messages.extraneous;
      return refused(this.name, whereCalled);
    });
    return released;
  }

  /** {@link release} without a word. */
  retire(holder: Participant, exitStatus?: number): boolean {
    try {
      return holder.release(exitStatus);
    } finally {
      this.#keepLedger(holder.ledger);
    }
  }

  /**
   * Leaves the lock held without its holder.
   *
   * @param owner the process that the hold is bound to; without one it stays until it is released by force
   * @returns false when it was lost before
   */
  detach(holder: Participant, owner?: OwnerProcess): boolean {
    try {
      return holder.detach(owner?.pid ?? 0, owner?.start ?? noStart);
    } finally {
      this.#keepLedger(holder.ledger);
    }
  }

  /**
   * Releases the lock whoever holds it, or only the hold that is meant.
   *
   * @param by the process that does it, which the holder is told
   * @returns what became of it, and the holders that it was taken from; if none was meant, those that are left
   */
  forceRelease(
    whereCalled: string,
    { by = process.pid, ...meant }: MeantHold & { by?: number } = {},
  ): { outcome: "released" | "free" | "not-meant"; holders: HolderStatus[] } {
    this.unit.requireWhole();
    let holders: HolderStatus[] = [];
    const onLook = (ledger: Ledger) => {
      holders = holdersOf(ledger, this.unit);
    };
    let outcome: ReturnType<typeof forceRelease>;
    do {
      const ledger = this.#ledgerToForce();
      outcome =
        ledger === undefined ? "free" : forceRelease(ledger, this.unit, { by, onLook, ...meant });
    } while (outcome === "replaced");
    const message = outcome === "released" ? messages.forceReleased : messages.extraneous;
    this.debug("ungetLock", () => message(this.name, whereCalled));
    if (outcome === "released") holders = holders.filter((holder) => isMeant(holder, meant));
    return { outcome, holders: outcome === "free" ? [] : holders };
  }

  /** Who holds the lock and who waits. @throws {LockDamagedError} */
  status(): LockStatus {
    this.unit.requireWhole();
    return statusOf(this.#ledgerPresent(), this.unit);
  }

  /** The last grants, and the requests that gave up, the oldest first. */
  history(): GrantRecord[] {
    return historyOf(this.#ledgerPresent());
  }

  /** The info text. */
  readInfo(): string {
    return this.unit.readInfo();
  }

  /** Writes the info text, whoever holds the lock. @throws {LockInfoError} when it does not fit */
  writeInfo(text: string): void {
    writeInfoText(this.#ledgerCreated(), this.unit, this.unit.encode(text));
  }

  /** Closes the objects; who holds the lock holds it on. */
  close(): void {
    this.#spareLedger?.close();
    this.unit.close();
    this.#closed = true;
  }

  /** Says something in the debug log, when there is one. */
  debug(method: Parameters<LockLogger["debug"]>[1], text: () => string): void {
    this.logger?.debug(text(), method);
  }

  /** A ledger for one participant. */
  #takeLedger(): Ledger {
    const spare = this.#spareLedger;
    this.#spareLedger = undefined;
    return spare ?? openOrCreateLedger(this.name, this.#access);
  }

  /**
   * The ledger that tells who holds; undefined where nobody does, which needs no mutex. A unit that is there is not
   * enough for that: under a hold, a semaphore may have been made anew.
   */
  #ledgerToForce(): Ledger | undefined {
    const present = this.#ledgerPresent();
    if (this.unit.readValue() === 0) return present ?? this.#ledgerCreated();
    const isFree = present?.snapshot(({ header }) => header.state === lockStates.free) ?? true;
    return isFree ? undefined : present;
  }

  /** The ledger to look at; undefined when there is none. */
  #ledgerPresent(): Ledger | undefined {
    if (this.#spareLedger?.fileHasName() === false) {
      this.#spareLedger.close();
      this.#spareLedger = undefined;
      // Whoever deletes the one deletes the others, too.
      this.unit.reopenIfReplaced({ now: true });
    }
    return (this.#spareLedger ??= openLedger(this.name));
  }

  #ledgerCreated(): Ledger {
    return (
      this.#ledgerPresent() ?? (this.#spareLedger = openOrCreateLedger(this.name, this.#access))
    );
  }

  #keepLedger(ledger: Ledger): void {
    if (this.#closed || this.#spareLedger !== undefined) ledger.close();
    else this.#spareLedger = ledger;
  }
}
