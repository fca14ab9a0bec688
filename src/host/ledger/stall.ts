/** Who is stopped (SIGSTOP, a frozen VM) while it is first in the queue: it must not hold up those behind it. */
import { monotonicSeconds } from "../../posix/clock.ts";
import type { View } from "./decide.ts";
import { lockStates } from "./layout.ts";
import { nearestBefore } from "./queue.ts";
import { graceSeconds, isLost } from "./record.ts";

/** A first waiter that leaves a free lock untaken for this long is treated as stopped. */
const stalledSeconds = 0.5;
/** A waiter tries again so often for what no byte lock tells: evictions, recreated objects. */
export const tickSeconds = 1;

/** Watches the first waiter, for one who waits behind it. */
export class StallWatch {
  #suspect: { ticket: number; sinceSeconds: number } | undefined;
  /** The seat that kept the first waiter from the lock when it was last looked at, 0 for none. */
  firstWaiterBlocker = 0;

  /**
   * How long the first waiter may still take to take what it can have; 0 or less: it is stalled; undefined while it
   * cannot have the lock.
   */
  secondsLeft(view: View, first: number): number | undefined {
    const patience = this.#patienceWith(view, first);
    if (patience === undefined) {
      this.#suspect = undefined;
      return undefined;
    }
    const { ticket } = view.ledger.seat(first);
    const time = monotonicSeconds();
    if (this.#suspect?.ticket !== ticket) {
      this.#suspect = { ticket, sinceSeconds: couldTakeSince(view, time) };
    }
    return this.#suspect.sinceSeconds + patience - time;
  }

  /** There is nobody to watch. */
  reset(): void {
    this.#suspect = undefined;
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
    // The first one may not adopt, either; and the place of one that did not would not help this one.
    if (!view.adopts) return undefined;
    const { state, notedHash } = ledger.header;
    if (state === lockStates.held) return stalledSeconds;
    if (unit.infoHash() !== notedHash) return undefined;
    if (!isLost(ledger, first)) return undefined;
    return state === lockStates.detached ? stalledSeconds : graceSeconds + stalledSeconds;
  }
}

/** Since when the first waiter could have taken the lock, on the monotonic clock. */
function couldTakeSince({ ledger: { header }, unit }: View, time: number): number {
  // A participant freed it, and noted when; a peer would have changed the text.
  const isFree =
    header.state === lockStates.free &&
    unit.readValue() > 0 &&
    unit.infoHash() === header.notedHash;
  const freed = isFree ? header.freedAt / 1e6 : 0;
  // One that waits for the byte of an evicted seat is not woken by the eviction, but by its own next tick.
  const evicted = header.evictedAt / 1e6;
  return Math.max(freed > 0 ? freed : time, evicted > 0 ? evicted + tickSeconds : 0);
}
