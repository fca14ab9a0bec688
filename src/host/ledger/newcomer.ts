/**
 * What a request does to others when it comes: a newest one supersedes those that wait, one that replaces also asks
 * holders to leave, and one that must not pile up leaves again. Loaded only for the requests that say so, and run under
 * the mutex.
 *
 * A waiter that is superseded is evicted, so that nobody waits for it, awake or not; at its next attempt it gives up,
 * and gives back a unit that it may have got. A holder that is asked to leave holds on until it has left.
 */
import { faultPoint } from "../../posix/fault-point.ts";
import type { Pid } from "../../lock/status.ts";
import type { LedgerState } from "./layout.ts";
import { type Newcomer, type Own } from "./own-seat.ts";
import {
  evictorLabel,
  ownProcess,
  processLabel,
  type ProcessNumber,
  processOf,
} from "./process-number.ts";
import { holders, isEvicted, isWaiting, kinds, waiters } from "./queue.ts";
import { evict } from "./record.ts";
import {
  evictedBy,
  evictionOf,
  hasKindFlag,
  type kindFlags,
  seatKind,
  withKindFlags,
} from "./seat-words.ts";

export interface NewcomerWish {
  readonly newest?: boolean | undefined;
  /** Implies `newest`. */
  readonly replace?: boolean | undefined;
  /** How many may wait already for it to wait, too. */
  readonly maxWaiters?: number | undefined;
}

/** @returns undefined for a request that does nothing to others */
export function newcomerOf({
  newest = false,
  replace = false,
  maxWaiters = Infinity,
}: NewcomerWish): Newcomer | undefined {
  const supersedes = newest || replace;
  if (!supersedes && maxWaiters === Infinity) return undefined;
  const flags: (keyof typeof kindFlags)[] = supersedes ? ["newest"] : [];
  if (replace) flags.push("replace");
  return {
    flags,
    supersededBy: supersedes ? supersederOf : () => undefined,
    arrive(own) {
      if (isCrowded(own, supersedes, maxWaiters)) return "crowded";
      if (supersedes) supersedeWaiters(own);
      return undefined;
    },
    mustWait: replace ? askHolders : () => {},
  };
}

/** The living waiters that leave the queue for `own`, if that supersedes. Also those that were evicted as they are stopped. */
export function yieldingWaiters(ledger: LedgerState, own: number): number[] {
  return ledger.taken.filter((number) => {
    const seat = ledger.seat(number);
    const yields = number !== own && isWaiting(seat) && hasKindFlag(seat, "newest");
    return yields && !hasKindFlag(seat, "askedToLeave") && ledger.isLive(number);
  });
}

/**
 * Whether too many wait already.
 *
 * @param supersedes whether those that it would supersede do not count
 */
export function isCrowded(
  { ledger, seat }: { ledger: LedgerState; seat: number },
  supersedes: boolean,
  maxWaiters: number,
): boolean {
  if (maxWaiters === Infinity) return false;
  const yielding = new Set(supersedes ? yieldingWaiters(ledger, seat) : []);
  const others = waiters(ledger).filter((number) => number !== seat && !yielding.has(number));
  return others.length >= maxWaiters;
}

/**
 * The holders that are in the way of `own`, agreed to be replaced, and were not asked yet. Of slots one is enough: the
 * one that holds longest, if none of them is leaving already.
 */
export function replaceableHolders(ledger: LedgerState, own: number): number[] {
  const kind = seatKind(ledger.seat(own));
  const found = holders(ledger).filter((number) => {
    const otherKind = seatKind(ledger.seat(number));
    const isGroup = kind !== kinds.exclusive && otherKind !== kinds.exclusive;
    const isInWay = isGroup ? kind === kinds.slots && otherKind === kinds.slots : true;
    return number !== own && isInWay && hasKindFlag(ledger.seat(number), "replace");
  });
  const isAsked = (number: number) => hasKindFlag(ledger.seat(number), "askedToLeave");
  const inGroup = found.filter((number) => seatKind(ledger.seat(number)) !== kinds.exclusive);
  if (kind !== kinds.slots || inGroup.length === 0) return found.filter((one) => !isAsked(one));
  if (inGroup.some(isAsked)) return [];
  return inGroup
    .toSorted((one, other) => ledger.seat(one).ticket - ledger.seat(other).ticket)
    .slice(0, 1);
}

/**
 * Who has superseded a participant that is about to queue again, having lost its seat or its ledger. Whoever waits in
 * its queue by then has come later.
 */
function supersederOf(own: Own): Pid | undefined {
  const { ledger, seat, ticket } = own;
  if (ticket === 0) return undefined;
  if (seat !== 0 && seat <= ledger.seats) {
    const left = ledger.seat(seat);
    if (left.ticket === ticket && hasKindFlag(left, "askedToLeave")) return evictorLabel(left);
  }
  const [newer] = yieldingWaiters(ledger, seat);
  if (newer === undefined) return undefined;
  const by = processOf(ledger.seat(newer));
  if (seat !== 0 && seat <= ledger.seats) markAsked(own, seat, by);
  return processLabel(by);
}

/** Has the older ones leave the queue. */
function supersedeWaiters(own: Own): void {
  const { ledger, seat } = own;
  for (const number of yieldingWaiters(ledger, seat)) {
    const other = ledger.seat(number);
    markAsked(own, number, ownProcess());
    if (!isEvicted(other)) evict(ledger, number, process.pid);
    else ledger.store();
    faultPoint("superseded");
  }
}

/** Asks holders to leave. */
function askHolders(own: Own): void {
  const { ledger, seat } = own;
  const asked = replaceableHolders(ledger, seat);
  for (const number of asked) markAsked(own, number, ownProcess());
  if (asked.length === 0) return;
  ledger.store();
  faultPoint("asked");
}

/** The caller stores it. */
function markAsked({ ledger }: Own, number: number, by: ProcessNumber): void {
  const seat = ledger.seat(number);
  seat.kind = withKindFlags(seat, "askedToLeave");
  seat.evicted = evictedBy(evictionOf(seat), by.process, by.namespace);
}
