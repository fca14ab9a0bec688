/**
 * A participant: a request for a lock, and then its holder, with a seat in the ledger.
 *
 * All participants queue by ticket (queue.ts); the first one takes the semaphore's unit as any peer would, and
 * the record (decide.ts) says what became of it. Every step from waiting to holding happens under the mutex and
 * first checks that one's own seat is still one's own. The order of the writes is what makes each point of death
 * recoverable: HELD after the unit was taken, FREE before it is given back. The model in test/model checks it.
 *
 * | seat | what its participant does |
 * |---|---|
 * | waiting | waits for those before it, or is first and tries again now and then |
 * | at the semaphore | is first, and blocks at the semaphore, outside the mutex |
 * | holding | holds |
 * | evicted, any of these | somebody forced the lock, a newer request superseded it, or it was stopped when its turn came |
 */
import { pause } from "../../posix/clock.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { LockDamagedError } from "../../lock/errors.ts";
import type { Pid, ProcessLabel } from "../../lock/status.ts";
import type { LockUnit } from "../objects/unit.ts";
import { applyStep, type Blocked, type Outcome, shortTickSeconds } from "./apply.ts";
import { decide, type Step } from "./decide.ts";
import { askerOf, detachGrant, isHoldLost, releaseGrant } from "./grant.ts";
import type { Header } from "./layout.ts";
import { type Ledger, mutexBusy } from "./ledger.ts";
import {
  forgetWaiterMark,
  leaveQueue,
  type Own,
  type Predecessor,
  returnUnit,
  stillOwnsSeat,
  takeSeat,
  type Wish,
} from "./own-seat.ts";
import { type Before, firstWaiter, isHolding, kinds, nearestBefore, waiters } from "./queue.ts";
import { QuietTicks } from "./quiet-ticks.ts";
import { evict, initialSemaphoreValue, waiterMarkOf } from "./record.ts";
import { clearStall, StallWatch, tickSeconds } from "./stall.ts";

/** Somebody keeps the mutex of the ledger: that ends by itself, or not. */
const busy: Blocked = { on: "timer", seat: 0, retryAfterSeconds: 0.01 };

/**
 * Whether a step would be another one if another text, or another semaphore, had taken the name of one that is open:
 * also where the text is not as noted, so that a grant does not write its own to a segment that others no longer read.
 */
function reliesOnNames(step: Step, { notedHash }: Readonly<Header>): boolean {
  if (step.act === "take") return step.textHash !== notedHash;
  return step.row === 0 || step.act === "adopt" || step.act === "evict the holders";
}

export class Participant {
  readonly #openLedger: () => Ledger;
  readonly #own: Own;
  readonly #quietTicks = new QuietTicks();
  #stallWatch: StallWatch | undefined;
  #outcome: Outcome | undefined;

  /**
   * @param openLedger opens the ledger for this participant alone
   * @param unit the lock's unit, which participants of one process may share
   */
  constructor(openLedger: () => Ledger, unit: LockUnit, wish: Wish) {
    this.#openLedger = openLedger;
    this.#own = {
      ledger: openLedger(),
      unit,
      wish,
      adopts: wish.adopt,
      seat: 0,
      ticket: 0,
      tookUnitUnrecorded: false,
      waiterMark: 0,
      grant: undefined,
      adopted: undefined,
      forcedBy: { pid: null },
    };
  }

  /** The grant's number, higher than that of all grants before. */
  get token(): number {
    return this.#own.grant?.token ?? 0;
  }

  /** The number of the slot, from 0. */
  get slot(): number {
    return this.#own.grant?.slot ?? 0;
  }

  /** The info text that the grant wrote. */
  get info(): string {
    return this.#own.grant?.info ?? "";
  }

  /** The holder whose unit was adopted, if one was. */
  get adopted(): Predecessor | undefined {
    return this.#own.adopted;
  }

  /**
   * After a release that gave false, the process that forced the lock; after a request that was superseded, the newer
   * one's. Without a number where nobody knows.
   */
  get forcedBy(): Pid {
    return this.#own.forcedBy;
  }

  /** Whether the hold was lost, without changing anything, and without waiting for anybody. */
  isLost(): boolean {
    return isHoldLost(this.#own);
  }

  /** The ledger that was used; a seat in it that is still taken counts as a dead one's once that is closed. */
  get ledger(): Ledger {
    return this.#own.ledger;
  }

  /**
   * Takes the lock if it can be had now. The first attempt queues. To be called again once {@link mayAdvance} or the
   * wait that its outcome asks for is over: a whole attempt is expensive, so that it is made only where something may
   * have changed.
   */
  tryAdvance(): Outcome {
    if (this.#outcome === undefined || !this.#isQuiet()) this.#outcome = this.#attempt();
    return this.#outcome;
  }

  /**
   * Whether another attempt would only find what the last one did. Most are of somebody who waits for long.
   */
  #isQuiet(): boolean {
    const { ledger, tookUnitUnrecorded } = this.#own;
    if (tookUnitUnrecorded || !this.#quietTicks.consume()) return false;
    // The death of who is in the first waiter's way does not change the ledger; if that waiter is stopped, it would
    // not see it.
    const blocker = this.#stallWatch?.firstWaiterBlocker ?? 0;
    if (blocker !== 0 && !ledger.isSeatLocked(blocker)) return false;
    return ledger.isUnchanged();
  }

  #attempt(): Outcome {
    const own = this.#own;
    for (;;) {
      const outcome = own.ledger.tryTransact(() =>
        own.ledger.fileHasName() ? this.#attemptInTurn() : undefined,
      );
      if (outcome === mutexBusy) return busy;
      if (outcome !== undefined) return outcome;
      this.#followName();
    }
  }

  /** The ledger's name stands for another file by now, where the others queue. */
  #followName(): void {
    const own = this.#own;
    // Opened first: where that fails, the old one is still there to be left.
    const ledger = this.#openLedger();
    this.withdraw();
    own.ledger.close();
    own.ledger = ledger;
    ledger.transact(() => {
      // It may be one that was kept, without a name too: what that says of the unit is not so any more.
      if (!ledger.fileHasName()) return;
      own.unit.recreateIfMissing(() => initialSemaphoreValue(ledger), { now: true });
    });
  }

  #attemptInTurn(): Outcome {
    const own = this.#own;
    const isNew = !stillOwnsSeat(own);
    const { newcomer } = own.wish;
    if (isNew) {
      const by = newcomer?.supersededBy(own);
      leaveQueue(own);
      if (by !== undefined) {
        own.forcedBy = by;
        return "superseded";
      }
      takeSeat(own);
    }
    const mayNotWait = isNew ? newcomer?.arrive(own) : undefined;
    const outcome = this.#advance();
    if (typeof outcome === "string") {
      // Nobody sees the seat before the mutex is free, so a grant at once need not write it twice.
      own.ledger.unlockWaitingByte();
      return outcome;
    }
    if (mayNotWait !== undefined) {
      leaveQueue(own, mayNotWait);
      return mayNotWait;
    }
    own.ledger.store();
    if (isNew) {
      faultPoint("entered");
      newcomer?.mustWait(own);
    }
    if (this.#allowsQuiet(outcome)) this.#quietTicks.allow();
    else this.#quietTicks.cancel();
    if (own.wish.kind !== kinds.exclusive) own.ledger.lockWaitingByte();
    return outcome;
  }

  /**
   * Whether a wait is for a living holder, for a waiter with one before it, or for a peer's or a detached hold that
   * is bound to nobody: all that may change is then told by the byte, or changes the ledger.
   */
  #allowsQuiet({ on, seat, retryAfterSeconds }: Blocked): boolean {
    const { ledger, wish } = this.#own;
    if (retryAfterSeconds < tickSeconds || wish.kind !== kinds.exclusive) return false;
    if (on === "holder") {
      const watch = this.#stallWatch;
      if (!isHolding(ledger.seat(seat))) {
        return watch !== undefined && watch.firstWaiterBlocker !== 0;
      }
      // Its byte tells by itself.
      if (watch !== undefined) watch.firstWaiterBlocker = 0;
      return true;
    }
    // What is missing, or bound to a process that may end, has to be looked at each time.
    const { missingSince, boundProcess } = ledger.header;
    return on === "semaphore" && missingSince === 0 && boundProcess === 0;
  }

  #advance(): Outcome {
    const own = this.#own;
    if (this.#stallWatch !== undefined) this.#stallWatch.firstWaiterBlocker = 0;
    for (;;) {
      const before = nearestBefore(own.ledger, own.seat);
      if (before === undefined) return this.#advanceAsFirst();
      const blocked = this.#waitBehind(before);
      if (blocked !== undefined) return blocked;
    }
  }

  #advanceAsFirst(): Outcome {
    const own = this.#own;
    const { header } = own.ledger;
    let areNamesChecked = false;
    own.unit.recreateIfMissing(() => initialSemaphoreValue(own.ledger));
    for (;;) {
      const step = decide(own);
      if (!areNamesChecked && reliesOnNames(step, header)) {
        own.unit.recreateIfMissing(() => initialSemaphoreValue(own.ledger), { now: true });
        areNamesChecked = true;
        continue;
      }
      // One that does not adopt is in the way of those who do, awake or not.
      if (step.act !== "leave it to one who adopts") clearStall(header, own.ticket);
      const outcome = applyStep(own, step);
      if (outcome !== undefined) return outcome;
    }
  }

  /** Undefined where those before it have changed. */
  #waitBehind({ seat, ofGroup }: Before): Blocked | undefined {
    const own = this.#own;
    // An older program of slots may have come in first while this one waited for the unit.
    returnUnit(own);
    const isSlots = own.wish.kind === kinds.slots && !ofGroup;
    const tick = isSlots ? shortTickSeconds : tickSeconds;
    const secondsLeft = this.#secondsUntilStalled();
    if (secondsLeft !== undefined && secondsLeft <= 0) return undefined;
    const retryAfterSeconds = Math.min(tick, (secondsLeft ?? tick) + 0.01);
    return { on: ofGroup ? "waiter" : "holder", seat, retryAfterSeconds };
  }

  /**
   * Watches the first waiter, and evicts it where it could take the lock and has not done so for a while.
   *
   * @returns how long it may still take; undefined where it cannot have the lock; 0 or less where it was evicted
   */
  #secondsUntilStalled(): number | undefined {
    const { ledger, unit, seat } = this.#own;
    const watch = (this.#stallWatch ??= new StallWatch());
    const first = firstWaiter(ledger, seat);
    if (first === 0) return undefined;
    unit.requireWhole();
    const secondsLeft = watch.secondsLeft(this.#own, ledger.header, first);
    if (secondsLeft !== undefined && secondsLeft <= 0) {
      ledger.header.stalledTicket = 0;
      evict(ledger, first);
    }
    return secondsLeft;
  }

  /**
   * Blocks the thread until another attempt is worth it, for `seconds` at most. Behind a seat it is the caller's timer
   * that ends the wait: its signal must not restart calls.
   */
  blockInKernel({ on, seat }: Blocked, seconds: number): void {
    const own = this.#own;
    own.unit.doubt();
    if (on === "holder") {
      // Its death does not change the ledger.
      if (own.ledger.blockUntilLeft(seat)) this.#quietTicks.cancel();
    } else if (on === "waiter") own.ledger.blockWhileWaiting(seat);
    else if (on === "timer") pause(seconds);
    else if (own.unit.take(seconds) === "granted") {
      own.tookUnitUnrecorded = true;
      own.waiterMark = waiterMarkOf(own.ledger.readGrants(), own.seat);
      own.unit.setWaiterMark(own.waiterMark);
      faultPoint("taken-by-waiting");
    }
  }

  /** Blocks the thread until a seat is left, or for `seconds`. Unlike {@link blockInKernel} it needs no timer. */
  blockOnFutex(seat: number, seconds: number): void {
    this.#own.ledger.blockOnFutex(seat, seconds);
  }

  /** Whether another attempt may be worth it, without blocking. */
  mayAdvance(blocked: Blocked): boolean {
    this.#own.unit.doubt();
    const isOver = this.#isWaitOver(blocked);
    if (isOver) this.#quietTicks.cancel();
    return isOver;
  }

  #isWaitOver({ on, seat }: Blocked): boolean {
    const { ledger, unit, tookUnitUnrecorded } = this.#own;
    if (tookUnitUnrecorded) return true;
    if (on === "holder") return !ledger.isSeatLocked(seat);
    if (on === "waiter") return !ledger.isWaitingByteLocked(seat);
    if (on !== "semaphore") return false;
    unit.requireWhole();
    return unit.readValue() > 0;
  }

  /** How many wait, and the place of this one among them. */
  position(): { place: number; waiting: number } {
    const { ledger, seat } = this.#own;
    return ledger.snapshot((state) => {
      const queue = waiters(state);
      return { place: queue.indexOf(seat) + 1, waiting: queue.length };
    });
  }

  /** The process that asked this holder to leave, and what it wants the lock for; undefined where none did. */
  askedBy(): ProcessLabel | undefined {
    return askerOf(this.#own);
  }

  /** Gives up a request that was not granted. @param reason why, where it is not for its time */
  withdraw(reason?: "deadlocked"): void {
    const own = this.#own;
    if (own.seat === 0) return;
    try {
      if (own.ledger.tryTransact(() => leaveQueue(own, reason)) !== mutexBusy) return;
      // As if it had died: the unit that it may have got is marked, so that the next one adopts it.
    } catch (error) {
      if (!(error instanceof LockDamagedError)) throw error;
      if (own.tookUnitUnrecorded) {
        forgetWaiterMark(own);
        own.unit.postIfLocked();
      }
    }
    own.tookUnitUnrecorded = false;
    own.seat = 0;
    own.ledger.abandonSeat();
  }

  /**
   * Releases what was granted.
   *
   * @param exitStatus of the command that ran under it, for the history
   * @returns false where it was forced from this holder; then nothing is given back
   */
  release(exitStatus?: number): boolean {
    const own = this.#own;
    try {
      return own.ledger.transactToLeave(() => releaseGrant(own, exitStatus));
    } catch (error) {
      if (!(error instanceof LockDamagedError)) throw error;
      // This holder knows that it has the unit; of a group the last one gives it back.
      if (own.wish.kind === kinds.exclusive || !own.ledger.othersPresent()) own.unit.postIfLocked();
      return true;
    }
  }

  /**
   * Leaves the lock held by nobody alive, or bound to a process.
   *
   * @param boundProcess 0 for none
   * @param boundStart when that was started, as {@link processStart} gave it when the process was named
   * @returns false where it was forced from this holder
   */
  detach(boundProcess: number, boundStart: number): boolean {
    const own = this.#own;
    return own.ledger.transactToLeave(() => detachGrant(own, boundProcess, boundStart));
  }

  /** A descriptor that keeps the seat for a command, while that lives. */
  handOn(lowestDescriptor: number): number {
    return this.#own.ledger.handOn(lowestDescriptor);
  }
}
