/** Who is stopped (SIGSTOP, a frozen VM) while it is first in the queue: it must not hold up those behind it. */
import { microsecondsNow, monotonicSeconds } from "../../posix/clock.ts";
import { ownTimeNamespace } from "../../posix/proc.ts";
import type { View } from "./decide.ts";
import { type Header, lockStates } from "./layout.ts";
import { nearestBefore } from "./queue.ts";
import {
  endedByRelease,
  graceSeconds,
  isLost,
  isOfDeadOwner,
  isOwnUnit,
  recordedSeat,
} from "./record.ts";
import { seatTime } from "./seat-time.ts";

/** A first waiter that leaves a free lock untaken for this long is treated as stopped. */
const stalledSeconds = 0.5;
/** A waiter tries again so often for what no byte lock tells: evictions, recreated objects. */
export const tickSeconds = 1;

/**
 * A waiter whom others have noted may not know it before its own next tick. One that this process has noted itself
 * was woken by what made the lock free.
 */
const notedByOtherSeconds = tickSeconds + 0.1;

/**
 * Watches the first waiter, for one who waits behind it. That it could take the lock is noted in the header, so that
 * requests that do not wait find out together what one of them has no time for. A waiter that is awake clears the note
 * when it looks: {@link clearStall}.
 */
export class StallWatch {
  /** The first waiter that this process has noted, as {@link noteOf} has it. */
  #noted = 0;
  /** The seat that kept the first waiter from the lock when it was last looked at, 0 for none. */
  firstWaiterBlocker = 0;

  /**
   * How long the first waiter may still take to take what it can have; 0 or less: it is stalled; undefined while it
   * cannot have the lock. The caller stores the header.
   */
  secondsLeft(view: View, header: Header, first: number): number | undefined {
    const patience = this.#patienceWith(view, first);
    if (patience === undefined) {
      if (header.stalledTicket !== 0) header.stalledTicket = 0;
      return undefined;
    }
    const note = noteOf(view.ledger.seat(first).ticket);
    const time = monotonicSeconds();
    if (header.stalledTicket !== note) {
      header.stalledTicket = note;
      header.stalledSince = milliseconds(couldTakeSince(view, time));
      this.#noted = note;
    }
    const isOwnNote = this.#noted === note;
    // The difference of two low halves, which may be negative.
    const elapsed = ((milliseconds(time) - header.stalledSince) | 0) / 1000;
    return (isOwnNote ? patience : Math.max(patience, notedByOtherSeconds)) - elapsed;
  }

  /** How long the first waiter may take to take what it can have; undefined while it cannot have it. */
  #patienceWith(view: View, first: number): number | undefined {
    const { ledger, unit } = view;
    const before = nearestBefore(ledger, first);
    if (before !== undefined) {
      this.firstWaiterBlocker = before.seat;
      return undefined;
    }
    if (unit.readValue() > 0) return stalledSeconds;
    const { header } = ledger;
    const isHeld = header.state === lockStates.held;
    if (isHeld && endedByRelease(ledger)) return stalledSeconds;
    // The first one may not adopt, either; and the place of one that did not would not help this one.
    if (!view.adopts) return undefined;
    if (isHeld) return stalledSeconds;
    const textHash = unit.infoHash();
    if (!isOwnUnit(ledger, unit, textHash) || !isLost(ledger, unit, first)) return undefined;
    return isOfDeadOwner(header) ? stalledSeconds : graceSeconds + stalledSeconds;
  }
}

/** Since when the first waiter could have taken the lock, on the monotonic clock. */
function couldTakeSince({ ledger, unit }: View, time: number): number {
  const { header } = ledger;
  // A participant freed it, and noted when; a peer would have changed the text.
  const isFree =
    header.state === lockStates.free &&
    unit.readValue() > 0 &&
    unit.infoHash() === header.notedHash;
  const freed = isFree && isOfOwnClock(ledger, time) ? header.freedAt / 1e6 : 0;
  // One that waits for the byte of an evicted seat is not woken by the eviction, but by its own next tick.
  const evicted = Math.min(header.evictedAt / 1e6, time);
  return Math.max(freed > 0 ? freed : time, evicted > 0 ? evicted + tickSeconds : 0);
}

/** The clocks of two looks at the same moment are as far apart, the steps of seat-time.ts included. */
const maxClockErrorSeconds = 0.3;

/**
 * Whether the lock was freed on the clock of this process. In another time namespace the monotonic clock is another
 * one; the date at which the last holder left its seat tells.
 */
function isOfOwnClock(ledger: View["ledger"], time: number): boolean {
  const number = recordedSeat(ledger);
  if (number === 0) return false;
  const seat = ledger.seat(number);
  const secondsByDate = (seatTime(seat, microsecondsNow()) - seat.endedAt) / 1e6;
  const secondsByClock = time - ledger.header.freedAt / 1e6;
  return Math.abs(secondsByDate - secondsByClock) <= maxClockErrorSeconds;
}

/** A participant looks, so it is not stopped. The caller stores the header. */
export function clearStall(header: Header, ticket: number): void {
  // Whoever noted it, on whatever clock: each grant comes here, so the own namespace is not asked for.
  const isIt = (header.stalledTicket - ticket) % namespaceUnit === 0;
  if (header.stalledTicket !== 0 && isIt) header.stalledTicket = 0;
}

const namespaceUnit = 2 ** 16;

/**
 * What is noted of a waiter: the low half of its ticket, in the upper bits mixed with the time namespace, on whose clock
 * the note counts. A process of another namespace takes it for a note of somebody else. Not 0, which stands for nobody.
 */
function noteOf(ticket: number): number {
  return ((ticket % 2 ** 32) ^ (ownTimeNamespace() * namespaceUnit)) >>> 0 || namespaceUnit;
}

/** The low half of a time on the monotonic clock. */
function milliseconds(seconds: number): number {
  return Math.floor(seconds * 1000) % 2 ** 32;
}
