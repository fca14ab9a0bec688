/** The queue of a lock: who is before whom, as the seats of its ledger tell. All of it under the mutex. */
import { evictions, type Ledger, seatStates, seatWords } from "./ledger.ts";

/** Alone; with others that say so; or with so many others. */
export const kinds = { exclusive: 0, shared: 1, slots: 2 } as const;

/** Their names, as they are shown. */
export const kindNames = ["exclusive", "shared", "slots"] as const;

/** Whether a seat's rights were taken from it. */
export function isEvicted(ledger: Ledger, seat: number): boolean {
  return ledger.read(seat, seatWords.evicted) !== evictions.none;
}

/** Whether a seat, of somebody alive or dead, holds. */
export function isHolding(ledger: Ledger, seat: number): boolean {
  return (
    ledger.read(seat, seatWords.state) === seatStates.holding &&
    ledger.read(seat, seatWords.ticket) !== 0 &&
    !isEvicted(ledger, seat)
  );
}

function isWaiting(ledger: Ledger, seat: number): boolean {
  const state = ledger.read(seat, seatWords.state);
  return state === seatStates.waiting || state === seatStates.atSemaphore;
}

/** A living holder but for `own`, 0 for none. */
export function otherHolder(ledger: Ledger, own: number): number {
  for (const seat of ledger.taken) {
    if (seat !== own && isHolding(ledger, seat) && ledger.isLive(seat)) return seat;
  }
  return 0;
}

/** The living holders. */
export function holders(ledger: Ledger): number[] {
  return seatsThat(ledger, (seat) => isHolding(ledger, seat) && ledger.isLive(seat));
}

/** The living waiters, in their order. */
export function waiters(ledger: Ledger): number[] {
  return seatsThat(
    ledger,
    (seat) => isWaiting(ledger, seat) && !isEvicted(ledger, seat) && ledger.isLive(seat),
  ).toSorted((one, other) => ticketOf(ledger, one) - ticketOf(ledger, other));
}

function seatsThat(ledger: Ledger, is: (seat: number) => boolean): number[] {
  return ledger.taken.filter(is);
}

function ticketOf(ledger: Ledger, seat: number): number {
  return ledger.readWide(seat, seatWords.ticket);
}

/** The first living waiter but for `own`, 0 for none. */
export function firstWaiter(ledger: Ledger, own: number): number {
  let first = 0;
  let firstTicket = Infinity;
  for (const seat of ledger.taken) {
    const ticket = ticketOf(ledger, seat);
    if (ticket === 0 || ticket >= firstTicket || seat === own) continue;
    if (!isWaiting(ledger, seat) || isEvicted(ledger, seat) || !ledger.isLive(seat)) continue;
    [first, firstTicket] = [seat, ticket];
  }
  return first;
}

function isAtSemaphore(ledger: Ledger, seat: number): boolean {
  return ledger.read(seat, seatWords.state) === seatStates.atSemaphore && ledger.isLive(seat);
}

/** A living one but for `own` that is at the semaphore and was not evicted, 0 for none. */
export function seatAtSemaphore(ledger: Ledger, own: number): number {
  for (const seat of ledger.taken) {
    if (seat !== own && isAtSemaphore(ledger, seat) && !isEvicted(ledger, seat)) return seat;
  }
  return 0;
}

/** Those that were evicted while they were at the semaphore, and do not know it. */
export function evictedAtSemaphore(ledger: Ledger): number[] {
  return seatsThat(ledger, (seat) => isAtSemaphore(ledger, seat) && isEvicted(ledger, seat));
}

/** Whom a seat has to wait for. */
export interface Before {
  seat: number;
  /** Whether it is enough that this one is granted, as it is of the same group; else it has to leave. */
  ofGroup: boolean;
}

/**
 * The nearest living seat that has to be waited for before `seat` may hold; undefined for none.
 *
 * | `seat` is | it waits for |
 * |---|---|
 * | exclusive | everybody before it |
 * | shared | the exclusive ones before it |
 * | slots N | the exclusive ones before it; and as long as N or more slots seats are before it, for those |
 *
 * Before it are those with a lower ticket, and those that hold: with slots each names its own N, and may
 * overtake one that names a lower N.
 */
export function nearestBefore(ledger: Ledger, seat: number): Before | undefined {
  const ticket = ticketOf(ledger, seat);
  const kind = ledger.read(seat, seatWords.kind);
  let nearest = 0;
  let nearestTicket = 0;
  const slotsSeats: number[] = [];
  for (const other of ledger.taken) {
    const otherTicket = ticketOf(ledger, other);
    if (otherTicket === 0 || other === seat || isEvicted(ledger, other)) continue;
    if (otherTicket > ticket && !isHolding(ledger, other)) continue;
    const otherKind = ledger.read(other, seatWords.kind);
    if (kind === kinds.exclusive || otherKind === kinds.exclusive) {
      if (otherTicket > nearestTicket && ledger.isLive(other)) {
        [nearest, nearestTicket] = [other, otherTicket];
      }
    } else if (kind === kinds.slots && otherKind === kinds.slots && ledger.isLive(other)) {
      slotsSeats.push(other);
    }
  }
  if (nearest !== 0) return { seat: nearest, ofGroup: false };
  if (kind !== kinds.slots || slotsSeats.length < ledger.read(seat, seatWords.slots)) {
    return undefined;
  }
  return nearestSlot(ledger, slotsSeats);
}

/** Of a full house of slots: the last one that waits, else the last one that came. */
function nearestSlot(ledger: Ledger, slotsSeats: readonly number[]): Before {
  let nearest = 0;
  let nearestWaiting = 0;
  for (const seat of slotsSeats) {
    if (nearest === 0 || ticketOf(ledger, seat) > ticketOf(ledger, nearest)) nearest = seat;
    if (!isWaiting(ledger, seat)) continue;
    if (nearestWaiting === 0 || ticketOf(ledger, seat) > ticketOf(ledger, nearestWaiting)) {
      nearestWaiting = seat;
    }
  }
  return nearestWaiting === 0
    ? { seat: nearest, ofGroup: false }
    : { seat: nearestWaiting, ofGroup: true };
}

/** The lowest slot number that no living holder has. */
export function freeSlot(ledger: Ledger, own: number): number {
  const used = new Set<number>();
  for (const seat of ledger.taken) {
    const holdsSlot =
      seat !== own &&
      ledger.read(seat, seatWords.kind) === kinds.slots &&
      isHolding(ledger, seat) &&
      ledger.isLive(seat);
    if (holdsSlot) used.add(ledger.read(seat, seatWords.slot));
  }
  let slot = 0;
  while (used.has(slot)) slot += 1;
  return slot;
}
