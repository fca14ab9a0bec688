/** The queue of a lock: who is before whom, as the seats of its ledger tell. Pure, on what was read under the mutex. */
import { type LedgerState, type Seat, seatStates } from "./layout.ts";
import { evictionOf, evictions, seatKind } from "./seat-words.ts";

/** exclusive: one holder. shared: any number. slots: up to N. */
export const kinds = { exclusive: 0, shared: 1, slots: 2 } as const;

/** The names of {@link kinds}, as they are shown. */
export const kindNames = ["exclusive", "shared", "slots"] as const;

/** Whether a seat's rights were taken from it. */
export function isEvicted(seat: Pick<Seat, "evicted">): boolean {
  return evictionOf(seat) !== evictions.none;
}

/** Whether a seat, of somebody alive or dead, holds. */
export function isHolding(seat: Readonly<Seat>): boolean {
  return seat.state === seatStates.holding && seat.ticket !== 0 && !isEvicted(seat);
}

/** Whether a seat, of somebody alive or dead, waits. */
export function isWaiting({ state }: Readonly<Seat>): boolean {
  return state === seatStates.waiting || state === seatStates.atSemaphore;
}

/** A living holder other than `own`, 0 for none. */
export function otherHolder(ledger: LedgerState, own: number): number {
  for (const number of ledger.taken) {
    if (number !== own && isHolding(ledger.seat(number)) && ledger.isLive(number)) return number;
  }
  return 0;
}

/** The living holders. */
export function holders(ledger: LedgerState): number[] {
  return ledger.taken.filter((number) => isHolding(ledger.seat(number)) && ledger.isLive(number));
}

/** The living waiters, in their order. */
export function waiters(ledger: LedgerState): number[] {
  return ledger.taken
    .filter((number) => {
      const seat = ledger.seat(number);
      return isWaiting(seat) && !isEvicted(seat) && ledger.isLive(number);
    })
    .toSorted((one, other) => ledger.seat(one).ticket - ledger.seat(other).ticket);
}

/** The first living waiter other than `own`, 0 for none. */
export function firstWaiter(ledger: LedgerState, own: number): number {
  let first = 0;
  let firstTicket = Infinity;
  for (const number of ledger.taken) {
    const seat = ledger.seat(number);
    const { ticket } = seat;
    if (ticket === 0 || ticket >= firstTicket || number === own) continue;
    if (!isWaiting(seat) || isEvicted(seat) || !ledger.isLive(number)) continue;
    first = number;
    firstTicket = ticket;
  }
  return first;
}

function isAtSemaphore(ledger: LedgerState, number: number): boolean {
  return ledger.seat(number).state === seatStates.atSemaphore && ledger.isLive(number);
}

/** A living participant other than `own` that is at the semaphore and was not evicted, 0 for none. */
export function seatAtSemaphore(ledger: LedgerState, own: number): number {
  for (const number of ledger.taken) {
    if (number === own || !isAtSemaphore(ledger, number)) continue;
    if (!isEvicted(ledger.seat(number))) return number;
  }
  return 0;
}

/** Those that were evicted while they were at the semaphore, and do not know it. */
export function evictedAtSemaphore(ledger: LedgerState): number[] {
  return ledger.taken.filter(
    (number) => isAtSemaphore(ledger, number) && isEvicted(ledger.seat(number)),
  );
}

/** Whom a seat has to wait for. */
export interface Before {
  seat: number;
  /** Whether it is enough that this one is granted, as it is of the same group; else it has to leave. */
  ofGroup: boolean;
}

/**
 * The nearest living seat that has to be waited for before `own` may hold; undefined for none. It is the rule of
 * lock/kinds.ts: first come, first served.
 *
 * | `own` is | it waits for |
 * |---|---|
 * | exclusive | everybody before it |
 * | shared | the exclusive ones before it |
 * | slots N | the exclusive ones before it; and those of slots, as long as there are N before it, or as many as one of them says |
 *
 * Before it are those with a lower ticket, and those that hold.
 */
export function nearestBefore(ledger: LedgerState, own: number): Before | undefined {
  const { ticket, slots } = ledger.seat(own);
  const kind = seatKind(ledger.seat(own));
  let nearest = 0;
  let nearestTicket = 0;
  let limit = slots;
  const slotsSeats: number[] = [];
  for (const number of ledger.taken) {
    const other = ledger.seat(number);
    if (other.ticket === 0 || number === own || isEvicted(other)) continue;
    if (other.ticket > ticket && !isHolding(other)) continue;
    const otherKind = seatKind(other);
    if (kind === kinds.exclusive || otherKind === kinds.exclusive) {
      if (other.ticket > nearestTicket && ledger.isLive(number)) {
        nearest = number;
        nearestTicket = other.ticket;
      }
    } else if (kind === kinds.slots && otherKind === kinds.slots && ledger.isLive(number)) {
      slotsSeats.push(number);
      limit = Math.min(limit, other.slots);
    }
  }
  if (nearest !== 0) return { seat: nearest, ofGroup: false };
  if (kind !== kinds.slots || slotsSeats.length < limit) return undefined;
  return nearestSlot(ledger, slotsSeats);
}

/** All slots are taken: wait for the newest waiter, or if nobody waits, for the newest holder. */
function nearestSlot(ledger: LedgerState, slotsSeats: readonly number[]): Before {
  const waiting = newest(
    ledger,
    slotsSeats.filter((number) => isWaiting(ledger.seat(number))),
  );
  return waiting === 0
    ? { seat: newest(ledger, slotsSeats), ofGroup: false }
    : { seat: waiting, ofGroup: true };
}

function newest(ledger: LedgerState, seats: readonly number[]): number {
  let found = 0;
  for (const number of seats) {
    if (found === 0 || ledger.seat(number).ticket > ledger.seat(found).ticket) found = number;
  }
  return found;
}

/** The lowest slot number that no living holder has. */
export function freeSlot(ledger: LedgerState, own: number): number {
  const used = new Set<number>();
  for (const number of ledger.taken) {
    const seat = ledger.seat(number);
    const hasSlot = number !== own && seatKind(seat) === kinds.slots && isHolding(seat);
    if (hasSlot && ledger.isLive(number)) used.add(seat.slot);
  }
  let slot = 0;
  while (used.has(slot)) slot += 1;
  return slot;
}
