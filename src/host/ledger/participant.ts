/**
 * A participant: a request for a lock, and then its holder, with a seat in the ledger.
 *
 * All participants queue by ticket (queue.ts); the first one takes the semaphore's unit as any peer would, and
 * the record (record.ts) says what became of it. Every step from waiting to holding happens under the mutex and
 * first checks that one's own seat still stands. The order of the writes is what makes each point of death
 * recoverable: HELD after the unit was taken, FREE before it is given back. The model in test/model checks it.
 *
 * | seat | what its participant does |
 * |---|---|
 * | waiting | waits for those before it, or is first and looks again now and then |
 * | at the semaphore | is first, and blocks in sem_timedwait outside the mutex |
 * | holding | holds |
 * | evicted, any of these | somebody forced the lock, or it was stopped when its turn came |
 */
import { monotonicSeconds, now, pause } from "../../posix/clock.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { processStart } from "../../posix/process-start.ts";
import { LockDamagedError, LockFullError } from "../../lock/errors.ts";
import {
  evictions,
  header,
  headerWords,
  type Ledger,
  lockStates,
  seatStates,
  seatWords,
} from "./ledger.ts";
import { formatLockInfo } from "../../lock/info-text.ts";
import { hashOf, type LockUnit } from "../objects/unit.ts";
import {
  firstWaiter,
  freeSlot,
  isEvicted,
  isHolding,
  kinds,
  nearestBefore,
  otherHolder,
  seatAtSemaphore,
  waiters,
} from "./queue.ts";
import {
  evict,
  forceFree,
  graceSeconds,
  isHoldersText,
  isLost,
  isPosted,
  microsecondsNow,
  noteFound,
  noteMissing,
  recordedSeat,
  secondsIn,
  supersede,
  unitsAtRest,
  writeEnding,
  writeFree,
} from "./record.ts";

/** What a participant asks for. */
export interface Wish {
  kind: number;
  /** How many may hold at once, for slots. */
  slots: number;
  /** What the info text says after the date. */
  message: string;
  /** Whether to take over a unit whose holder died. */
  adopt: boolean;
  /**
   * How it waits: its thread `blocks` in the kernel and has a timer, or it `naps` in the kernel for want of one; or it
   * only `looks`.
   */
  waits: "blocks" | "naps" | "looks";
}

/**
 * What became of a request: granted, or what it has to wait for, for so long at most: that a seat's participant
 * leaves, or that it no longer waits; the semaphore; or only that time passes.
 */
export type Look =
  | "granted"
  | { for: "leaving" | "waiting"; seat: number; againSeconds: number }
  | { for: "semaphore" | "time"; againSeconds: number };

/** A holder whose unit was adopted. */
export interface Predecessor {
  /** 0 where nobody knows. */
  process: number;
  message: string;
}

/** So long a waiter may take to take a lock that it could have; then it counts as stopped. */
const stalledSeconds = 0.5;
/** A waiter looks so often on its own for what no byte lock tells: evictions, replaced objects. */
const tickSeconds = 1;
/** So many ticks in a row may pass without a look, where nothing has changed. */
const mostQuietTicks = 3;
/** So often where it cannot wait for a byte: any of several slots may become free, or somebody else adopts. */
const shortTickSeconds = 0.1;

export class Participant {
  readonly #openLedger: () => Ledger;
  #ledger: Ledger;
  readonly #unit: LockUnit;
  readonly #wish: Readonly<Wish>;
  #seat = 0;
  #ticket = 0;
  /** Whether the unit was got by waiting for the semaphore, and the record does not say so yet. */
  #unitInHand = false;
  /** How many ticks may pass without a look: where all that may change is told by the byte, or changes the ledger. */
  #quietTicks = 0;
  /** The seat that keeps the first waiter from the lock, where this one is behind that; 0 for none. */
  #guard = 0;
  #stalled: { ticket: number; fromSeconds: number } | undefined;
  #grant: { token: number; slot: number; info: string; hash: number } | undefined;
  #adopted: Predecessor | undefined;

  /**
   * @param openLedger opens the ledger for this participant alone
   * @param unit the lock's unit, which participants of one process may share
   */
  constructor(openLedger: () => Ledger, unit: LockUnit, wish: Wish) {
    this.#openLedger = openLedger;
    this.#ledger = openLedger();
    this.#unit = unit;
    this.#wish = wish;
  }

  /** The grant's number, higher than that of all grants before. */
  get token(): number {
    return this.#grant?.token ?? 0;
  }

  /** The number of the slot, from 0. */
  get slot(): number {
    return this.#grant?.slot ?? 0;
  }

  /** The info text that the grant wrote. */
  get info(): string {
    return this.#grant?.info ?? "";
  }

  /** Whose unit was adopted, if it was. */
  get adopted(): Predecessor | undefined {
    return this.#adopted;
  }

  /** The ledger that was used; a seat in it that is still taken counts as a dead one's once that is closed. */
  get ledger(): Ledger {
    return this.#ledger;
  }

  /** Looks whether the lock can be had now, and takes it if so. The first look queues. */
  look(): Look {
    for (;;) {
      const look = this.#ledger.transact(() =>
        this.#ledger.isLinked ? this.#lookAgain() : undefined,
      );
      if (look !== undefined) return look;
      // The ledger's name stands for another file by now, where the others queue.
      this.withdraw();
      this.#ledger.close();
      this.#ledger = this.#openLedger();
      this.#ledger.transact(() => {
        // It may be one that was kept, without a name too: what that says of the unit is not so any more.
        if (this.#ledger.isLinked) this.#unit.refresh(() => unitsAtRest(this.#ledger), true);
      });
    }
  }

  #lookAgain(): Look {
    const isNew = !this.#stands();
    if (isNew) this.#queueAnew();
    const look = this.#turn();
    // Nobody sees the seat before the mutex is free, so a grant at once need not write it twice.
    if (look !== "granted") {
      this.#ledger.store();
      if (isNew) faultPoint("entered");
    }
    this.#quietTicks = look !== "granted" && this.#isQuiet(look) ? mostQuietTicks : 0;
    const waitsInGroup = look !== "granted" && this.#wish.kind !== kinds.exclusive;
    this.#ledger.showWaiting(waitsInGroup);
    return look;
  }

  /**
   * Whether a wait is for a living holder, for a waiter with one before it, or for a peer's or a detached hold that
   * is bound to nobody.
   */
  #isQuiet(look: Exclude<Look, "granted">): boolean {
    if (look.againSeconds < tickSeconds || this.#wish.kind !== kinds.exclusive) return false;
    if (look.for === "leaving") {
      if (!isHolding(this.#ledger, look.seat)) return this.#guard !== 0;
      // Its byte tells by itself.
      this.#guard = 0;
      return true;
    }
    // What is missing, or bound to a process that may end, has to be looked at each time.
    const isExplained = this.#ledger.readWide(header, headerWords.missingSince) === 0;
    const isBound = this.#read(headerWords.boundProcess) !== 0;
    return look.for === "semaphore" && isExplained && !isBound;
  }

  /**
   * Whether another {@link look} would only find what the last one did; to be asked once a tick. A look is much
   * dearer, and most of them are of somebody who waits for long.
   */
  isStill(): boolean {
    if (this.#quietTicks === 0 || this.#unitInHand) return false;
    this.#quietTicks -= 1;
    // The death of the guard does not change the ledger; a first waiter that is stopped would not see it.
    if (this.#guard !== 0 && !this.#ledger.isSeatTaken(this.#guard)) return false;
    return this.#ledger.isUnchanged;
  }

  /** Whether the seat is still this participant's: it may have been evicted, or the ledger cut short. */
  #stands(): boolean {
    if (this.#seat === 0 || this.#seat > this.#ledger.seats) return false;
    const ticket = this.#ledger.readWide(this.#seat, seatWords.ticket);
    return ticket === this.#ticket && !isEvicted(this.#ledger, this.#seat);
  }

  #queueAnew(): void {
    this.#leaveWaiting();
    const isKept = this.#read(headerWords.state) !== lockStates.free;
    const seat = this.#ledger.takeSeat(isKept ? recordedSeat(this.#ledger) : 0);
    if (seat === undefined) {
      throw new LockFullError(
        `Cannot wait for lock "${this.#ledger.lockName}": ${this.#ledger.seats} others already hold it or wait for it`,
      );
    }
    this.#seat = seat;
    this.#ticket = this.#ledger.draw();
    this.#ledger.writeWide(seat, seatWords.ticket, this.#ticket);
    this.#ledger.write(seat, seatWords.process, process.pid);
    this.#ledger.write(seat, seatWords.kind, this.#wish.kind);
    this.#ledger.write(seat, seatWords.slots, this.#wish.slots);
    this.#ledger.write(seat, seatWords.naps, this.#wish.waits === "naps" ? 1 : 0);
    this.#ledger.write(seat, seatWords.state, seatStates.waiting);
    this.#ledger.writeWide(seat, seatWords.since, microsecondsNow());
    this.#ledger.writeMessage(seat, this.#wish.message);
  }

  #turn(): Look {
    this.#guard = 0;
    const before = nearestBefore(this.#ledger, this.#seat);
    if (before !== undefined) {
      this.#giveUnitBack();
      const isSlots = this.#wish.kind === kinds.slots && !before.ofGroup;
      const again = this.#afterStalled(isSlots ? shortTickSeconds : tickSeconds);
      return {
        for: before.ofGroup ? "waiting" : "leaving",
        seat: before.seat,
        againSeconds: again,
      };
    }
    this.#unit.refresh(() => unitsAtRest(this.#ledger));
    return this.#takeUnit();
  }

  /**
   * Evicts the first waiter where it could take the lock and has not done so for a while: it is stopped.
   *
   * @returns after how long to look again
   */
  #afterStalled(tick: number): number {
    const first = firstWaiter(this.#ledger, this.#seat);
    const patience = first === 0 ? undefined : this.#patienceWith(first);
    if (patience === undefined) {
      this.#stalled = undefined;
      return tick;
    }
    const ticket = this.#ledger.readWide(first, seatWords.ticket);
    const time = monotonicSeconds();
    if (this.#stalled?.ticket !== ticket) {
      this.#stalled = { ticket, fromSeconds: this.#couldTakeSince(time) };
    }
    const remaining = this.#stalled.fromSeconds + patience - time;
    if (remaining > 0) return Math.min(tick, remaining + 0.01);
    evict(this.#ledger, first);
    this.#stalled = undefined;
    return 0;
  }

  /** How long the first waiter may take to take what it can have; undefined while it cannot have it. */
  #patienceWith(seat: number): number | undefined {
    const before = nearestBefore(this.#ledger, seat);
    if (before !== undefined) {
      this.#guard = before.seat;
      return undefined;
    }
    if (this.#unit.value > 0) return stalledSeconds;
    // The first one may not adopt, either; and the place of one that did not would not help this one.
    if (!this.#wish.adopt) return undefined;
    const state = this.#read(headerWords.state);
    if (state === lockStates.held) return stalledSeconds;
    if (this.#unit.infoHash() !== this.#read(headerWords.notedHash)) return undefined;
    if (!isLost(this.#ledger, seat)) return undefined;
    return state === lockStates.detached ? stalledSeconds : graceSeconds + stalledSeconds;
  }

  /** Since when the first waiter could have taken the lock, on the monotonic clock. */
  #couldTakeSince(time: number): number {
    // A participant freed it, and noted when; a peer would have changed the text.
    const isFree =
      this.#read(headerWords.state) === lockStates.free &&
      this.#unit.value > 0 &&
      this.#unit.infoHash() === this.#read(headerWords.notedHash);
    const freed = isFree ? secondsIn(this.#ledger, headerWords.freedAt) : 0;
    // Who waits for the byte of an evicted seat is not woken by the eviction, but by its own next tick.
    const evicted = secondsIn(this.#ledger, headerWords.evictedAt);
    return Math.max(freed > 0 ? freed : time, evicted > 0 ? evicted + tickSeconds : 0);
  }

  /** First of the queue: record.ts has the table of what there may be. */
  #takeUnit(): Look {
    if (this.#unitInHand) return this.#granted();
    if (this.#read(headerWords.state) === lockStates.held) {
      const look = this.#ofHeld();
      if (look !== undefined) return look;
    }
    // Before the semaphore is looked at.
    const hash = this.#unit.infoHash();
    if (this.#unit.value > 0) return this.#take(hash);
    if (hash !== this.#read(headerWords.notedHash)) {
      noteFound(this.#ledger);
      return this.#wait();
    }
    if (!isLost(this.#ledger, this.#seat)) return this.#wait();
    return this.#lost(hash);
  }

  #lost(hash: number): Look {
    if (this.#read(headerWords.state) === lockStates.detached) {
      const owner = this.#read(headerWords.boundProcess);
      return this.#adopt(hash, { process: owner, message: "the process that it was bound to" });
    }
    const remaining = graceSeconds - noteMissing(this.#ledger);
    if (remaining > 0) return this.#wait(remaining);
    // It died after it let go, or another one before it could say that it holds.
    const previous = this.#recordedHolder();
    const isDead = processStart(previous.process) === undefined;
    return this.#adopt(hash, isDead ? previous : { process: 0, message: "" });
  }

  /** Somebody holds, or died: undefined where a peer forced the lock from it, so that it is free by now. */
  #ofHeld(): Look | undefined {
    const holder = otherHolder(this.#ledger, this.#seat);
    if (isPosted(this.#ledger, this.#unit)) return this.#forcedByPeer();
    // What is there all the same is a new semaphore's.
    this.#unit.drain();
    const hash = this.#unit.infoHash();
    if (!isHoldersText(this.#ledger, this.#unit, hash)) return this.#forcedByPeer();
    if (holder !== 0) return this.#join();
    // It may be the holder.
    if (this.#ledger.overwrittenSeat() !== 0) return this.#wait();
    return this.#adopt(hash, this.#recordedHolder());
  }

  #forcedByPeer(): undefined {
    forceFree(this.#ledger, this.#unit);
  }

  #take(hash: number): Look {
    const isNoted = hash === this.#read(headerWords.notedHash);
    if (!isNoted || this.#read(headerWords.state) !== lockStates.free) {
      // A peer had it, or forced a detached one.
      writeEnding(this.#ledger, recordedSeat(this.#ledger), seatStates.forced);
      writeFree(this.#ledger, hash);
      this.#ledger.store();
    }
    faultPoint("before-take");
    if (!this.#unit.tryTake()) {
      noteFound(this.#ledger);
      return this.#wait();
    }
    faultPoint("taken");
    // More than one unit is somebody's mistake, such as two of the seed's unget at once.
    this.#unit.drain();
    return this.#granted();
  }

  /** Waits for the semaphore: of a group only one, as two could not tell whose unit is missing. */
  #wait(seconds = tickSeconds): Look {
    const other = seatAtSemaphore(this.#ledger, this.#seat);
    if (other !== 0) {
      this.#setState(seatStates.waiting);
      return { for: "waiting", seat: other, againSeconds: seconds };
    }
    if (this.#wish.waits === "looks") return { for: "semaphore", againSeconds: seconds };
    this.#setState(seatStates.atSemaphore);
    return { for: "semaphore", againSeconds: seconds };
  }

  #setState(state: number): void {
    if (this.#ledger.read(this.#seat, seatWords.state) === state) return;
    this.#ledger.write(this.#seat, seatWords.state, state);
  }

  #recordedHolder(): Predecessor {
    const seat = recordedSeat(this.#ledger);
    if (seat === 0) return { process: 0, message: "" };
    const holder = this.#ledger.read(seat, seatWords.process);
    return { process: holder, message: this.#ledger.readMessage(seat) };
  }

  /**
   * Takes over a unit that nobody gives back.
   *
   * @param hash of the info text as it is now
   */
  #adopt(hash: number, predecessor: Predecessor): Look {
    if (!this.#wish.adopt) {
      // Not at the semaphore, where it would be in the way of those who adopt.
      this.#setState(seatStates.waiting);
      return { for: "time", againSeconds: shortTickSeconds };
    }
    this.#adopted = predecessor;
    supersede(this.#ledger);
    writeEnding(this.#ledger, recordedSeat(this.#ledger), seatStates.recovered);
    this.#ledger.write(header, headerWords.notedHash, hash);
    const recoveries = this.#ledger.readWide(header, headerWords.recoveries) + 1;
    this.#ledger.writeWide(header, headerWords.recoveries, recoveries);
    return this.#granted();
  }

  /** With the unit: makes it known, in the order that a death between two steps allows. */
  #granted(): Look {
    const { seconds, microseconds } = now();
    const grantedAt = seconds * 1e6 + microseconds;
    const info = formatLockInfo(this.#wish.message, { seconds, microseconds });
    const { bytes, text } = this.#unit.encodeGrant(info);
    const hash = hashOf(text);
    const ledger = this.#ledger;
    ledger.write(header, headerWords.state, lockStates.held);
    ledger.write(header, headerWords.holderHash, hash);
    ledger.write(header, headerWords.semaphore, this.#unit.semaphoreId);
    ledger.writeWide(header, headerWords.grantedAt, grantedAt);
    ledger.write(header, headerWords.boundProcess, 0);
    ledger.writeWide(header, headerWords.missingSince, 0);
    this.#unitInHand = false;
    try {
      this.#sitDown(grantedAt, info, hash);
    } catch (error) {
      // What cannot be written down is not granted.
      this.#unit.giveBack();
      throw error;
    }
    faultPoint("held");
    try {
      this.#unit.writeInfo(bytes);
    } catch (error) {
      this.#undoGrant();
      throw error;
    }
    faultPoint("granted");
    return "granted";
  }

  /** The unit is the group's already, and so is the info text. */
  #join(): Look {
    const { seconds, microseconds } = now();
    const info = formatLockInfo(this.#wish.message, { seconds, microseconds });
    this.#sitDown(seconds * 1e6 + microseconds, info, this.#read(headerWords.holderHash));
    faultPoint("joined");
    return "granted";
  }

  /** @param hash of the info text of the grant, this one's or its group's */
  #sitDown(grantedAt: number, info: string, hash: number): void {
    const ledger = this.#ledger;
    const token = ledger.draw();
    const slot = this.#wish.kind === kinds.slots ? freeSlot(ledger, this.#seat) : 0;
    ledger.write(header, headerWords.holderSeat, this.#seat);
    ledger.writeWide(header, headerWords.token, token);
    ledger.writeWide(header, headerWords.grants, ledger.readWide(header, headerWords.grants) + 1);
    ledger.write(this.#seat, seatWords.state, seatStates.holding);
    ledger.write(this.#seat, seatWords.slot, slot);
    ledger.writeWide(this.#seat, seatWords.token, token);
    ledger.writeWide(this.#seat, seatWords.grantedAt, grantedAt);
    ledger.store();
    this.#grant = { token, slot, info, hash };
  }

  /** A grant whose text cannot be written is none. */
  #undoGrant(): void {
    const other = otherHolder(this.#ledger, this.#seat);
    if (other === 0) writeFree(this.#ledger, this.#unit.infoHash());
    else this.#passRecordTo(other);
    this.#leave(seatStates.lapsed);
    if (other === 0) this.#unit.giveBack();
  }

  #passRecordTo(seat: number): void {
    this.#ledger.write(header, headerWords.holderSeat, seat);
    const token = this.#ledger.readWide(seat, seatWords.token);
    this.#ledger.writeWide(header, headerWords.token, token);
  }

  /**
   * Blocks the thread until a {@link Look} is worth another one, for `seconds` at most. Behind a seat it is the
   * caller's timer that ends the wait: its signal must not restart calls.
   */
  block(look: Exclude<Look, "granted">, seconds: number): void {
    if (look.for === "leaving") {
      // Its death does not change the ledger.
      if (this.#ledger.waitForSeat(look.seat)) this.#quietTicks = 0;
    } else if (look.for === "waiting") this.#ledger.waitForWaiting(look.seat);
    else if (look.for === "time") pause(Math.min(seconds, look.againSeconds));
    else if (this.#unit.take(Math.min(seconds, look.againSeconds)) === "granted") {
      this.#unitInHand = true;
      faultPoint("taken-by-waiting");
    }
  }

  /** Blocks the thread until a {@link Look} may be worth another one, for `seconds` at most, without a timer. */
  nap(look: Exclude<Look, "granted">, seconds: number): void {
    if (look.for === "leaving") this.#ledger.napUntilLeft(look.seat, seconds);
    else if (look.for === "semaphore") this.block(look, look.againSeconds);
    else Bun.sleepSync(seconds * 1000);
  }

  /** Whether a {@link Look} is worth another one, without blocking. */
  isDue(look: Exclude<Look, "granted">): boolean {
    const isDue = this.#hasCome(look);
    if (isDue) this.#quietTicks = 0;
    return isDue;
  }

  #hasCome(look: Exclude<Look, "granted">): boolean {
    if (this.#unitInHand) return true;
    if (look.for === "leaving") return !this.#ledger.isSeatTaken(look.seat);
    if (look.for === "waiting") return !this.#ledger.isSeatWaiting(look.seat);
    return look.for === "semaphore" && this.#unit.value > 0;
  }

  /** How many wait, and the place of this one among them. */
  position(): { place: number; waiting: number } {
    return this.#ledger.transact(() => {
      const queue = waiters(this.#ledger);
      return { place: queue.indexOf(this.#seat) + 1, waiting: queue.length };
    });
  }

  /** Gives up a request that was not granted. */
  withdraw(): void {
    try {
      this.#ledger.transact(() => this.#leaveWaiting());
    } catch (error) {
      if (!(error instanceof LockDamagedError)) throw error;
      if (this.#unitInHand) this.#unit.giveBack();
      this.#unitInHand = false;
      this.#ledger.abandonSeat();
    }
  }

  /** Leaves the queue; a unit in hand is given back as a holder does. */
  #leaveWaiting(): void {
    if (this.#seat === 0) return;
    const gives = this.#dropUnit();
    this.#leave(seatStates.lapsed);
    faultPoint("left");
    if (gives) this.#unit.giveBack();
  }

  /**
   * Whether there was a unit in hand that has to be given back: then the record, to be stored before, says that the
   * lock is free. Where it says held, the unit was one too many, by a peer's force; and it may have been adopted.
   */
  #dropUnit(): boolean {
    const isExtra =
      this.#read(headerWords.state) === lockStates.held ||
      this.#ledger.read(this.#seat, seatWords.evicted) === evictions.superseded;
    const gives = this.#unitInHand && !isExtra;
    this.#unitInHand = false;
    if (gives) writeFree(this.#ledger, this.#unit.infoHash());
    return gives;
  }

  /**
   * Releases what was granted.
   *
   * @returns false where it was forced from this holder; then nothing is given back
   */
  release(): boolean {
    try {
      return this.#ledger.transact(() => this.#release());
    } catch (error) {
      if (!(error instanceof LockDamagedError)) throw error;
      // The ledger cannot be told, but this holder knows that it has the unit; but for a group, whose last one gives
      // it back.
      if (this.#wish.kind === kinds.exclusive || !this.#ledger.hasOthers) this.#unit.giveBack();
      this.#ledger.abandonSeat();
      return true;
    }
  }

  #release(): boolean {
    if (!this.#isOverwritten() && !this.#stands()) {
      this.#leave(seatStates.forced);
      return false;
    }
    const other = otherHolder(this.#ledger, this.#seat);
    if (other !== 0) {
      this.#passRecordTo(other);
      this.#leave(seatStates.released);
      return true;
    }
    this.#unit.refresh(() => 0);
    if (this.#wish.kind !== kinds.exclusive) {
      const hidden = this.#ledger.overwrittenSeat();
      if (hidden !== 0) return this.#leaveTo(hidden);
    }
    const isMine = this.#isMine();
    writeFree(this.#ledger, isMine);
    this.#leave(isMine === undefined ? seatStates.forced : seatStates.released);
    faultPoint("freed");
    if (isMine !== undefined) this.#unit.giveBack();
    faultPoint("given-back");
    return isMine !== undefined;
  }

  /** Leaves the unit to somebody who may be of the same group: its seat was written over, so the record has to say it. */
  #leaveTo(seat: number): true {
    const ledger = this.#ledger;
    ledger.write(header, headerWords.state, lockStates.held);
    ledger.write(header, headerWords.holderHash, this.#unit.infoHash());
    ledger.write(header, headerWords.semaphore, this.#unit.semaphoreId);
    ledger.write(header, headerWords.holderSeat, seat);
    ledger.writeWide(header, headerWords.token, ledger.draw());
    ledger.write(header, headerWords.boundProcess, 0);
    this.#leave(seatStates.released);
    return true;
  }

  /** Whether somebody wrote over the seat of this holder: nobody else can take it while its byte is locked. */
  #isOverwritten(): boolean {
    if (this.#seat === 0) return false;
    return (
      this.#seat > this.#ledger.seats ||
      this.#ledger.readWide(this.#seat, seatWords.ticket) !== this.#ticket
    );
  }

  /** The hash of the info text, where no peer has forced the lock from this holder. */
  #isMine(): number | undefined {
    // The semaphore before the text: a peer posts before it writes.
    if (isPosted(this.#ledger, this.#unit)) return undefined;
    const hash = this.#unit.infoHash();
    const isOwn = hash === this.#grant?.hash;
    return isOwn || isHoldersText(this.#ledger, this.#unit, hash) ? hash : undefined;
  }

  /**
   * Leaves the lock held by nobody alive, as the Python module does, or bound to a process.
   *
   * @returns false where it was forced from this holder
   */
  detach(boundProcess: number): boolean {
    const start = boundProcess === 0 ? 0 : (processStart(boundProcess) ?? 0);
    return this.#ledger.transact(() => {
      if (!this.#stands()) {
        this.#leave(seatStates.forced);
        return false;
      }
      const other = otherHolder(this.#ledger, this.#seat);
      if (other !== 0) {
        // A group stays held by those who live.
        this.#passRecordTo(other);
        this.#leave(seatStates.released);
        return true;
      }
      const hash = this.#isMine();
      if (hash === undefined) {
        writeFree(this.#ledger, undefined);
        this.#leave(seatStates.forced);
        return false;
      }
      this.#ledger.write(header, headerWords.state, lockStates.detached);
      this.#ledger.write(header, headerWords.notedHash, hash);
      this.#ledger.write(header, headerWords.boundProcess, boundProcess);
      this.#ledger.writeWide(header, headerWords.boundStart, start);
      this.#leave(seatStates.detached);
      faultPoint("detached");
      return true;
    });
  }

  /** A descriptor that keeps the seat for a command, while that lives. */
  handOn(lowestDescriptor: number): number {
    return this.#ledger.handOn(lowestDescriptor);
  }

  /** Of slots that name different N, one behind may have come in while this one waited for the unit. */
  #giveUnitBack(): void {
    if (this.#dropUnit()) {
      this.#ledger.store();
      this.#unit.giveBack();
    }
  }

  /** Leaves the seat, and writes what was changed of the record. */
  #leave(ending: number): void {
    const isOurs = this.#seat <= this.#ledger.seats;
    const mayEnd = isOurs && ending !== seatStates.detached;
    if (mayEnd && this.#ledger.readWide(this.#seat, seatWords.endedAt) === 0) {
      this.#ledger.writeWide(this.#seat, seatWords.endedAt, microsecondsNow());
    }
    this.#ledger.leaveSeat(ending);
    this.#seat = 0;
    this.#grant = undefined;
  }

  #read(word: number): number {
    return this.#ledger.read(header, word);
  }
}
