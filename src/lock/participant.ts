/**
 * A participant: a request for a lock, and then its holder, with a seat in the ledger.
 *
 * All participants queue by ticket; the first one takes the semaphore's unit as any peer would. The record
 * in the ledger's header says what became of the unit, so that one whose holder died can be adopted:
 *
 * | record | semaphore | what it means to the first of the queue |
 * |---|---|---|
 * | held, a live seat holds | | a group of shared holders or slots: join it |
 * | held otherwise | | its holder died: adopt the unit |
 * | free or detached | over 0 | take it |
 * | free, info text as noted | 0 | somebody died between two steps, or a peer is between two: adopt after a second |
 * | detached, info text as noted, its process dead | 0 | adopt |
 * | free or detached otherwise | 0 | a peer holds it, or it is detached: wait for the semaphore |
 *
 * The order of the writes under the mutex is what makes each point of death recoverable: HELD after the unit
 * was taken, FREE before it is given back, and the info text is read before the semaphore is looked at. The
 * model in test/model checks it.
 */
import { monotonicSeconds, now } from "../posix/clock.ts";
import { faultPoint } from "../posix/fault-point.ts";
import { processStart } from "../posix/process-start.ts";
import { LockDamagedError, LockFullError } from "./errors.ts";
import { header, headerWords, type Ledger, lockStates, seatStates, seatWords } from "./ledger.ts";
import { formatLockInfo, isLaterGrant } from "./lock-info.ts";
import { hashOf, type LockUnit } from "./lock-unit.ts";

/** Alone; with others that say so; or with so many others. */
export const kinds = { exclusive: 0, shared: 1, slots: 2 } as const;

/** What a participant asks for. */
export interface Wish {
  kind: number;
  /** How many may hold at once, for slots. */
  slots: number;
  /** What the info text says after the date. */
  message: string;
  /** Whether to take over a unit whose holder died. */
  adopt: boolean;
}

/** What became of a request: granted, or what it has to wait for. */
export type Look = "granted" | { seat: number; againSeconds: number } | { semaphore: number };

/** A holder whose unit was adopted. */
export interface Predecessor {
  process: number;
  message: string;
}

/** For so long an unexplained 0 may be a peer between taking the unit and writing its text. */
const graceSeconds = 1;
/** So long a waiter that is first may take to take a lock that is free; then it counts as stopped. */
const stalledSeconds = 0.5;
/** A waiter looks so often on its own for what no byte lock tells: evictions, replaced objects. */
const tickSeconds = 1;
/** With slots, any of several holders may leave, and a byte lock waits for one. */
const slotTickSeconds = 0.1;

export class Participant {
  readonly #openLedger: () => Ledger;
  #ledger: Ledger;
  readonly #unit: LockUnit;
  readonly #wish: Readonly<Wish>;
  #seat = 0;
  #ticket = 0;
  /** Whether the unit was got by waiting for the semaphore, and nobody knows yet. */
  #unitInHand = false;
  /** Whether a unit that was got in this way had to be dropped, and may be the one that is missing. */
  #lostUnit = false;
  /** The token of the last grant, at the last look. */
  #tokenSeen = 0;
  #stalled: { seat: number; ticket: number; from: number } | undefined;
  #grant: { token: number; slot: number; info: string } | undefined;
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

  /** Looks whether the lock can be had now, and takes it if so. The first look queues. */
  look(): Look {
    for (;;) {
      // Under the mutex: who removes a lock has it, and nobody must enter a ledger without a name.
      const look = this.#ledger.transact(() =>
        this.#ledger.isLinked ? this.#lookUnderMutex() : undefined,
      );
      if (look !== undefined) return look;
      this.#moveToNewLedger();
    }
  }

  #lookUnderMutex(): Look {
    const isNew = !this.#stands();
    if (isNew) this.#queueAnew();
    const before = this.#nearestBefore(this.#seat);
    let look: Look;
    if (before === 0) {
      this.#unit.refresh(() => unitsAtRest(this.#ledger));
      look = this.#takeUnit();
    } else {
      this.#dropUnit();
      look = this.#behind(before);
    }
    // Nobody sees the seat before the mutex is free, so a grant at once need not write it twice.
    if (isNew && look !== "granted") this.#storeSeat();
    this.#tokenSeen = this.#ledger.readWide(header, headerWords.token);
    return look;
  }

  #storeSeat(): void {
    this.#ledger.storeWithHeader(this.#seat);
    faultPoint("entered");
  }

  /** The ledger's name stands for another file by now, where the others queue. */
  #moveToNewLedger(): void {
    this.withdraw();
    this.#ledger.close();
    this.#ledger = this.#openLedger();
    this.#unit.expire();
  }

  /** Whether the seat is still this participant's: it may have been evicted, or the ledger cut short. */
  #stands(): boolean {
    if (this.#seat === 0 || this.#seat > this.#ledger.seats) return false;
    const ticket = this.#ledger.readWide(this.#seat, seatWords.ticket);
    return ticket === this.#ticket && !this.#isEvicted(this.#seat);
  }

  #queueAnew(): void {
    const { process: id, kind, slots, message } = { process: process.pid, ...this.#wish };
    this.#dropUnit();
    this.#ledger.leaveSeat();
    const seat = this.#ledger.takeSeat();
    if (seat === undefined) {
      throw new LockFullError(
        `Cannot wait for lock <${this.#ledger.lockName}>: ${this.#ledger.seats} others hold it or wait for it already`,
      );
    }
    this.#seat = seat;
    this.#ticket = this.#ledger.draw();
    const { seconds, microseconds } = now();
    this.#ledger.writeWide(seat, seatWords.ticket, this.#ticket);
    this.#ledger.write(seat, seatWords.process, id);
    this.#ledger.write(seat, seatWords.kind, kind);
    this.#ledger.write(seat, seatWords.slots, slots);
    this.#ledger.write(seat, seatWords.state, seatStates.waiting);
    this.#ledger.writeWide(seat, seatWords.since, seconds * 1e6 + microseconds);
    this.#ledger.writeMessage(seat, message);
  }

  /** The live seat to wait for before `seat` may hold: the nearest one that conflicts; 0 for none. */
  #nearestBefore(seat: number): number {
    const ticket = this.#ledger.readWide(seat, seatWords.ticket);
    const kind = this.#ledger.read(seat, seatWords.kind);
    let nearest = 0;
    let nearestTicket = 0;
    let slotSeats = 0;
    let nearestSlot = 0;
    let nearestSlotTicket = 0;
    for (let other = 1; other <= this.#ledger.seats; other++) {
      const otherTicket = this.#ledger.readWide(other, seatWords.ticket);
      if (otherTicket === 0 || other === seat || this.#isEvicted(other)) continue;
      const before = otherTicket < ticket || this.#isHolding(other);
      if (!before) continue;
      const otherKind = this.#ledger.read(other, seatWords.kind);
      const isSlot = kind === kinds.slots && otherKind === kinds.slots;
      const conflicts = kind === kinds.exclusive || otherKind === kinds.exclusive;
      if (!(isSlot || (conflicts && otherTicket > nearestTicket))) continue;
      if (!this.#ledger.isLive(other)) continue;
      if (!isSlot) {
        [nearest, nearestTicket] = [other, otherTicket];
        continue;
      }
      slotSeats += 1;
      if (otherTicket > nearestSlotTicket) [nearestSlot, nearestSlotTicket] = [other, otherTicket];
    }
    if (nearest !== 0 || kind !== kinds.slots) return nearest;
    return slotSeats >= this.#ledger.read(seat, seatWords.slots) ? nearestSlot : 0;
  }

  /** What to wait for behind another seat. A waiter that could take the lock and does not is evicted. */
  #behind(before: number): Look {
    const again = this.#wish.kind === kinds.slots ? slotTickSeconds : tickSeconds;
    const first = this.#firstWaiting();
    const patience = first === 0 || first === this.#seat ? undefined : this.#patienceWith(first);
    if (patience === undefined) {
      this.#stalled = undefined;
      return { seat: before, againSeconds: again };
    }
    const ticket = this.#ledger.readWide(first, seatWords.ticket);
    const time = monotonicSeconds();
    if (this.#stalled?.seat !== first || this.#stalled.ticket !== ticket) {
      // A participant freed it, and noted when; a peer would have changed the text.
      const isFree =
        this.#read(headerWords.state) === lockStates.free &&
        this.#unit.value > 0 &&
        this.#unit.infoHash() === this.#read(headerWords.notedHash);
      const freed = this.#ledger.readWide(header, headerWords.freedAt) / 1e6;
      // Who waits for the byte of an evicted seat is not woken by the eviction, but by its own next tick.
      const evicted = this.#ledger.readWide(header, headerWords.evictedAt) / 1e6;
      const awake = evicted > 0 ? evicted + tickSeconds : 0;
      this.#stalled = {
        seat: first,
        ticket,
        from: Math.max(isFree && freed > 0 ? freed : time, awake),
      };
    }
    const remaining = this.#stalled.from + patience - time;
    if (remaining > 0) return { seat: before, againSeconds: Math.min(again, remaining + 0.01) };
    evict(this.#ledger, first);
    this.#stalled = undefined;
    return { seat: before, againSeconds: 0 };
  }

  #firstWaiting(): number {
    let first = 0;
    let firstTicket = Infinity;
    for (let seat = 1; seat <= this.#ledger.seats; seat++) {
      const ticket = this.#ledger.readWide(seat, seatWords.ticket);
      const waits = this.#ledger.read(seat, seatWords.state) === seatStates.waiting;
      if (ticket === 0 || !waits || ticket >= firstTicket || !this.#ledger.isLive(seat)) continue;
      [first, firstTicket] = [seat, ticket];
    }
    return first;
  }

  /** How long the first waiter may take to take what it can have; undefined while it cannot have it. */
  #patienceWith(seat: number): number | undefined {
    if (this.#nearestBefore(seat) !== 0) return undefined;
    const state = this.#read(headerWords.state);
    if (state === lockStates.held || this.#unit.value > 0) return stalledSeconds;
    if (this.#unit.infoHash() !== this.#read(headerWords.notedHash)) return undefined;
    const isLost = state === lockStates.free || isOwnerDead(this.#ledger);
    return isLost ? graceSeconds + stalledSeconds : undefined;
  }

  #takeUnit(): Look {
    const state = this.#read(headerWords.state);
    if (state === lockStates.held) {
      if (this.#otherHolder() !== 0) return this.#join();
      return this.#fromTheDead();
    }
    if (this.#unitInHand) return this.#confirmed();
    // Before the semaphore is looked at: a peer that takes the unit now changes the text afterwards.
    const hash = this.#unit.infoHash();
    const noted = this.#read(headerWords.notedHash);
    if (this.#unit.value > 0) {
      if (hash !== noted || state !== lockStates.free) {
        this.#ledger.write(header, headerWords.notedHash, hash);
        this.#ledger.write(header, headerWords.state, lockStates.free);
        this.#ledger.writeWide(header, headerWords.missingSince, 0);
        this.#ledger.store(header);
      }
      faultPoint("before-take");
      if (this.#unit.tryTake()) {
        faultPoint("taken");
        return this.#granted();
      }
      return { semaphore: tickSeconds };
    }
    if (hash !== noted) {
      this.#noteMissing(0);
      return { semaphore: tickSeconds };
    }
    if (state === lockStates.free) return this.#afterGrace();
    if (!this.#wish.adopt) return { semaphore: tickSeconds };
    if (!isOwnerDead(this.#ledger)) return { semaphore: tickSeconds };
    const owner = this.#read(headerWords.boundProcess);
    return this.#adopt({ process: owner, message: "the process that it was bound to" });
  }

  /** The unit came by waiting; what an `unget` in between took for a peer's has been given back already. */
  #confirmed(): Look {
    this.#unit.drain();
    return this.#granted();
  }

  /** The unit is missing without an explanation: the grace time is the lock's, whoever notices it. */
  #afterGrace(): Look {
    const time = monotonicSeconds();
    const since = this.#ledger.readWide(header, headerWords.missingSince) / 1e6 || time;
    const remaining = since + graceSeconds - time;
    const mayTake = this.#wish.adopt || this.#lostUnit;
    if (remaining <= 0 && mayTake) return this.#adopt(this.#recordedHolder());
    this.#noteMissing(since);
    return { semaphore: remaining > 0 ? remaining : tickSeconds };
  }

  #noteMissing(seconds: number): void {
    const microseconds = Math.floor(seconds * 1e6);
    if (this.#ledger.readWide(header, headerWords.missingSince) === microseconds) return;
    this.#ledger.writeWide(header, headerWords.missingSince, microseconds);
    this.#ledger.store(header);
  }

  /** Another living holder, 0 for none. */
  #otherHolder(): number {
    for (let seat = 1; seat <= this.#ledger.seats; seat++) {
      const holds = this.#isHolding(seat) && seat !== this.#seat;
      if (holds && this.#ledger.isLive(seat)) return seat;
    }
    return 0;
  }

  /** The unit is the group's already. */
  #join(): Look {
    this.#unitInHand = false;
    return this.#granted();
  }

  /** The record says held, and no live seat holds. */
  #fromTheDead(): Look {
    if (this.#unitInHand) return this.#confirmed();
    if (!this.#wish.adopt) return { semaphore: tickSeconds };
    // Somebody lives in the holder's seat, and what it says makes no sense: it may be the holder.
    const holder = this.#read(headerWords.holderSeat);
    if (holder !== this.#seat && this.#ledger.isSeatTaken(holder) && !this.#ledger.isSane(holder)) {
      return { semaphore: tickSeconds };
    }
    const grantedAt = this.#ledger.readWide(header, headerWords.grantedAt);
    const hash = this.#unit.infoHash();
    const known =
      hash === this.#read(headerWords.holderHash) || hash === this.#read(headerWords.notedHash);
    if (!known && isLaterGrant(this.#unit.readInfo(), grantedAt)) {
      // A peer forced the lock from the holder, before or after it died, and took it.
      return { semaphore: tickSeconds };
    }
    return this.#adopt(this.#recordedHolder());
  }

  #recordedHolder(): Predecessor {
    const seat = this.#read(headerWords.holderSeat);
    const known = seat > 0 && seat <= this.#ledger.seats && seat !== this.#seat;
    return known
      ? {
          process: this.#ledger.read(seat, seatWords.process),
          message: this.#ledger.readMessage(seat),
        }
      : { process: 0, message: "" };
  }

  #adopt(predecessor: Predecessor): Look {
    this.#unit.drain();
    this.#adopted = predecessor;
    return this.#granted();
  }

  /** Under the mutex, with the unit: makes it known, in the order that a death between two steps allows. */
  #granted(): Look {
    const { seconds, microseconds } = now();
    const info = formatLockInfo(this.#wish.message, { seconds, microseconds });
    const bytes = this.#unit.encode(info);
    const token = this.#ledger.draw();
    const slot = this.#freeSlot();
    const ledger = this.#ledger;
    ledger.write(header, headerWords.state, lockStates.held);
    ledger.write(header, headerWords.holderHash, hashOf(bytes.subarray(0, -1)));
    ledger.write(header, headerWords.holderSeat, this.#seat);
    ledger.writeWide(header, headerWords.token, token);
    ledger.writeWide(header, headerWords.grantedAt, seconds * 1e6 + microseconds);
    ledger.write(header, headerWords.boundProcess, 0);
    ledger.writeWide(header, headerWords.missingSince, 0);
    ledger.write(this.#seat, seatWords.state, seatStates.holding);
    ledger.write(this.#seat, seatWords.slot, slot);
    ledger.writeWide(this.#seat, seatWords.token, token);
    ledger.writeWide(this.#seat, seatWords.since, seconds * 1e6 + microseconds);
    ledger.storeWithHeader(this.#seat);
    this.#unitInHand = false;
    faultPoint("held");
    this.#grant = { token, slot, info };
    try {
      this.#unit.writeInfo(bytes);
    } catch (error) {
      this.#undoGrant();
      throw error;
    }
    faultPoint("granted");
    return "granted";
  }

  /** A grant whose text cannot be written is none. */
  #undoGrant(): void {
    const other = this.#otherHolder();
    if (other === 0) noteFree(this.#ledger, this.#unit.infoHash());
    else this.#ledger.write(header, headerWords.holderSeat, other);
    this.#leave();
    if (other === 0) this.#unit.giveBack();
  }

  /** The lowest number that no living holder has. */
  #freeSlot(): number {
    if (this.#wish.kind !== kinds.slots) return 0;
    const used = new Set<number>();
    for (let seat = 1; seat <= this.#ledger.seats; seat++) {
      if (seat !== this.#seat && this.#isHolding(seat) && this.#ledger.isLive(seat)) {
        used.add(this.#ledger.read(seat, seatWords.slot));
      }
    }
    let slot = 0;
    while (used.has(slot)) slot += 1;
    return slot;
  }

  /**
   * Blocks the thread until a {@link Look} is worth another one, for `seconds` at most. Behind a seat it is the
   * caller's timer that ends the wait: its signal must not restart calls.
   */
  block(look: Exclude<Look, "granted">, seconds: number): void {
    if ("seat" in look) {
      this.#ledger.waitForSeat(look.seat);
    } else if (this.#unit.take(Math.min(seconds, look.semaphore)) === "granted") {
      faultPoint("taken-by-waiting");
      this.#unitInHand = true;
    }
  }

  /** Whether a {@link Look} is worth another one, without blocking. */
  isDue(look: Exclude<Look, "granted">): boolean {
    if ("seat" in look) return !this.#ledger.isSeatTaken(look.seat);
    return this.#unit.value > 0;
  }

  /** How many wait before this one. */
  position(): { place: number; waiting: number } {
    return this.#ledger.transact(() => {
      let [place, waiting] = [1, 0];
      for (let seat = 1; seat <= this.#ledger.seats; seat++) {
        const waits = this.#ledger.read(seat, seatWords.state) === seatStates.waiting;
        if (!waits || !this.#ledger.isLive(seat)) continue;
        waiting += 1;
        if (this.#ledger.readWide(seat, seatWords.ticket) < this.#ticket) place += 1;
      }
      return { place, waiting };
    });
  }

  /** Gives up a request that was not granted. */
  withdraw(): void {
    this.#ledger.transact(() => {
      this.#dropUnit();
      this.#leave();
    });
  }

  /**
   * Releases what was granted.
   *
   * @returns false where it was forced from this holder; then nothing is given back
   */
  release(): boolean {
    try {
      return this.#releaseSeat();
    } catch (error) {
      if (!(error instanceof LockDamagedError)) throw error;
      // The ledger cannot be told, but this holder knows that it has the unit.
      this.#unit.giveBack();
      this.#ledger.abandonSeat();
      return true;
    }
  }

  #releaseSeat(): boolean {
    return this.#ledger.transact(() => {
      if (!this.#isOverwritten() && !this.#stands()) {
        this.#leave();
        return false;
      }
      const other = this.#otherHolder();
      if (other !== 0) {
        this.#ledger.write(header, headerWords.holderSeat, other);
        this.#leave();
        return true;
      }
      this.#unit.refresh(() => 0);
      const mine = this.#letGo();
      this.#leave();
      faultPoint("freed");
      if (mine) this.#unit.giveBack();
      faultPoint("given-back");
      return mine;
    });
  }

  /** Whether somebody wrote over the seat of this holder: nobody else can take it while its byte is locked. */
  #isOverwritten(): boolean {
    if (this.#seat === 0) return false;
    return (
      this.#seat > this.#ledger.seats ||
      this.#ledger.readWide(this.#seat, seatWords.ticket) !== this.#ticket
    );
  }

  /** The last of the holders makes the record free; it is written with the seat. False where a peer forced it. */
  #letGo(): boolean {
    const hash = this.#unit.infoHash();
    const granted = this.#grant;
    const known = granted !== undefined && hash === hashOf(new TextEncoder().encode(granted.info));
    const forced =
      this.#unit.value > 0 ||
      (!known &&
        isLaterGrant(this.#unit.readInfo(), this.#ledger.readWide(header, headerWords.grantedAt)));
    // A peer's unit stays foreign: its text is not the one that is noted.
    noteFree(this.#ledger, forced && !known ? 0 : hash);
    return !forced;
  }

  /**
   * Leaves the lock held by nobody alive, as the Python module does, or bound to a process.
   *
   * @returns false where it was forced from this holder
   */
  detach(boundProcess: number): boolean {
    const start = boundProcess === 0 ? 0 : (processStart(boundProcess) ?? 0);
    return this.#ledger.transact(() => {
      const stands = this.#stands();
      if (stands) {
        this.#ledger.write(header, headerWords.state, lockStates.detached);
        this.#ledger.write(header, headerWords.notedHash, this.#unit.infoHash());
        this.#ledger.write(header, headerWords.boundProcess, boundProcess);
        this.#ledger.writeWide(header, headerWords.boundStart, start);
      }
      this.#leave();
      faultPoint("detached");
      return stands;
    });
  }

  /** The ledger that was used; a seat in it that is still taken counts as a dead one's once that is closed. */
  get ledger(): Ledger {
    return this.#ledger;
  }

  /** A descriptor that keeps the seat for a command, while that lives. */
  handOn(lowestDescriptor: number): number {
    return this.#ledger.handOn(lowestDescriptor);
  }

  #dropUnit(): void {
    if (!this.#unitInHand) return;
    this.#unitInHand = false;
    // Who stopped with the unit in hand and was evicted may have been taken for dead, and the unit been
    // adopted. If it was not, it is found by its grace time.
    const isFree = this.#read(headerWords.state) === lockStates.free;
    const isSame = this.#ledger.readWide(header, headerWords.token) === this.#tokenSeen;
    if (isFree && isSame) this.#unit.giveBack();
    else this.#lostUnit = true;
  }

  #leave(): void {
    this.#ledger.leaveSeat();
    this.#seat = 0;
    this.#grant = undefined;
  }

  #read(word: number): number {
    return this.#ledger.read(header, word);
  }

  #isEvicted(seat: number): boolean {
    return this.#ledger.read(seat, seatWords.state) === seatStates.evicted;
  }

  #isHolding(seat: number): boolean {
    return this.#ledger.read(seat, seatWords.state) === seatStates.holding;
  }
}

/** Under the mutex: whether the process that a detached hold is bound to has ended. */
export function isOwnerDead(ledger: Ledger): boolean {
  const owner = ledger.read(header, headerWords.boundProcess);
  return owner !== 0 && processStart(owner) !== ledger.readWide(header, headerWords.boundStart);
}

/** Under the mutex: what a semaphore has to start with that is made while the ledger lives. */
export function unitsAtRest(ledger: Ledger): number {
  return ledger.read(header, headerWords.state) === lockStates.free ? 1 : 0;
}

/** Takes a seat's rights from it, under the mutex; its participant finds out when it looks. */
function evict(ledger: Ledger, seat: number): void {
  ledger.write(seat, seatWords.state, seatStates.evicted);
  ledger.writeWide(header, headerWords.evictedAt, Math.floor(monotonicSeconds() * 1e6));
  ledger.storeWithHeader(seat);
}

/** Makes the record say that the lock is free. The caller stores the header, and then gives the unit back. */
function noteFree(ledger: Ledger, infoHash: number): void {
  ledger.write(header, headerWords.state, lockStates.free);
  ledger.write(header, headerWords.notedHash, infoHash);
  ledger.write(header, headerWords.boundProcess, 0);
  ledger.writeWide(header, headerWords.missingSince, 0);
  ledger.writeWide(header, headerWords.freedAt, Math.floor(monotonicSeconds() * 1e6));
}

/**
 * Releases a lock whoever holds it; a holder that is hit goes on without the lock.
 *
 * @returns whether it was locked
 */
export function forceRelease(ledger: Ledger, unit: LockUnit): boolean {
  return ledger.transact(() => {
    const state = ledger.read(header, headerWords.state);
    const hash = unit.infoHash();
    if (state === lockStates.held) evictHolders(ledger);
    const locked = state === lockStates.held || unit.value === 0;
    if (locked || state === lockStates.detached) {
      noteFree(ledger, hash);
      ledger.store(header);
    }
    faultPoint("forced");
    if (locked) unit.giveBack();
    return locked;
  });
}

/** Under the mutex: takes the lock from all that hold it and live; each learns of it when it releases. */
export function evictHolders(ledger: Ledger): void {
  for (let seat = 1; seat <= ledger.seats; seat++) {
    const holds = ledger.read(seat, seatWords.state) === seatStates.holding;
    if (!holds || !ledger.isLive(seat)) continue;
    evict(ledger, seat);
    faultPoint("evicted");
  }
}

/** Notes a text that a participant wrote while nobody attached holds, so that it is not taken for a peer's grant. */
export function noteInfo(ledger: Ledger, unit: LockUnit, bytes: Uint8Array): void {
  ledger.transact(() => {
    const hash = hashOf(bytes.subarray(0, -1));
    const held = ledger.read(header, headerWords.state) === lockStates.held;
    // Noted only where what stands there is known; a peer's grant must stay a peer's.
    const word = held ? headerWords.holderHash : headerWords.notedHash;
    const isKnown = held || ledger.read(header, word) === unit.infoHash();
    if (isKnown) {
      ledger.write(header, word, hash);
      ledger.store(header);
    }
    unit.writeInfo(bytes);
  });
}
