/**
 * What the first of the queue does, as the record, the semaphore and the info text tell. Pure: it only asks the view.
 *
 * | row | record | semaphore | info text | what it means to the first of the queue |
 * |---|---|---|---|---|
 * | 0 | any | | | it got the unit by waiting for the semaphore: write that into the record |
 * | 1 | held | over 0, or | another grant's | a peer forced the lock: evict the holders, and it is free |
 * | 2 | held, and somebody alive holds | 0 | the holder's | a group of shared holders or slots: join it |
 * | 3 | held otherwise | 0 | the holder's | its holder died, or ended by a release ({@link endedByRelease}): adopt the unit |
 * | 4 | free or detached | over 0 | | take it |
 * | 5 | free and marked, or detached, marked by a waiter and of no dead owner | 0 | as noted, or blank | somebody died between two steps, or a peer is between two: adopt after a second |
 * | 6 | detached otherwise, or of a dead owner | 0 | the hold's | adopt, if the process that it is bound to is dead |
 * | 7 | free or detached | 0 | otherwise | a peer holds it, or it is detached: wait for the semaphore |
 *
 * Marked, and the hold's: {@link isOwnUnit}. Blank: a new segment. Another grant's text: {@link isHoldersText}. A peer
 * that writes no text, or later than a second, is known by the missing mark.
 *
 * Where the semaphore and the text are both looked at, the order matters: to take, the text first, as a peer that
 * takes the unit in between changes it afterwards; for all else the semaphore first, as a peer that forces the
 * lock posts before it takes and writes. The model in test/model shows what goes wrong otherwise.
 */
import { type LedgerState, lockStates } from "./layout.ts";
import type { LedgerSnapshot } from "./ledger-reader.ts";
import { otherHolder } from "./queue.ts";
import {
  endedByRelease,
  graceSeconds,
  isHoldersText,
  isLost,
  isOfDeadOwner,
  isOwnUnit,
  isPosted,
  type ReadableUnit,
  secondsMissing,
} from "./record.ts";

/** What the first of the queue can see. */
export interface View {
  readonly ledger: LedgerState & Pick<LedgerSnapshot, "overwrittenSeat">;
  readonly unit: ReadableUnit;
  /** Its own seat. */
  readonly seat: number;
  /** Whether it got the unit by waiting for the semaphore, and the record does not say so yet. */
  readonly tookUnitUnrecorded: boolean;
  /** Whether it takes over from a holder that died. */
  readonly adopts: boolean;
}

/** What the first of the queue does next, and in which row of the table that is. */
export type Step =
  | { readonly row: 0; readonly act: "record the unit" }
  | { readonly row: 1; readonly act: "evict the holders" }
  /** A recreated semaphore starts at 1: its unit is taken, so that the lock reads as held for peers, too. */
  | { readonly row: 2 | 3; readonly act: "drain" }
  | { readonly row: 2; readonly act: "join" }
  | { readonly row: 4; readonly act: "take"; readonly textHash: number }
  | { readonly row: 3 | 5 | 6; readonly act: "adopt"; readonly textHash: number }
  | { readonly row: 3 | 5 | 6; readonly act: "leave it to one who adopts" }
  | { readonly row: 5; readonly act: "wait for the grace time"; readonly seconds: number }
  /** `isExplained`: nothing is missing, as somebody else has the unit. */
  | { readonly row: 3 | 6 | 7; readonly act: "wait"; readonly isExplained: boolean };

const recordUnit: Step = { row: 0, act: "record the unit" };
const evictHolders: Step = { row: 1, act: "evict the holders" };
const join: Step = { row: 2, act: "join" };

/** The next step of the first of the queue. */
export function decide(view: View): Step {
  if (view.tookUnitUnrecorded) return recordUnit; // Row 0
  return view.ledger.header.state === lockStates.held ? decideHeld(view) : decideFree(view);
}

/** Rows 1 to 3: somebody holds, or died. */
function decideHeld(view: View): Step {
  const { ledger, unit } = view;
  const { header } = ledger;
  const holder = otherHolder(ledger, view.seat);
  // Row 1. The semaphore before the text.
  if (isPosted(header, unit)) return evictHolders;
  if (unit.readValue() > 0) return { row: holder === 0 ? 3 : 2, act: "drain" };
  const textHash = unit.infoHash();
  if (!isHoldersText(header, unit, textHash)) return evictHolders;
  // Row 2
  if (holder !== 0) return join;
  // Row 3. A seat whose data was overwritten may be the holder's, so do not adopt.
  if (ledger.overwrittenSeat() !== 0) return { row: 3, act: "wait", isExplained: false };
  // Who does not take over from the dead takes over here all the same: nobody died.
  if (endedByRelease(ledger)) return { row: 3, act: "adopt", textHash };
  return adopt(view, 3, textHash);
}

/** Rows 4 to 7: nobody who lives holds, as far as the record says. */
function decideFree(view: View): Step {
  const { ledger, unit } = view;
  const { header } = ledger;
  // The text before the semaphore.
  const textHash = unit.infoHash();
  // Row 4
  if (unit.readValue() > 0) return { row: 4, act: "take", textHash };
  // Row 7
  const isDetached = header.state === lockStates.detached;
  if (!isOwnUnit(ledger, unit, textHash)) return { row: 7, act: "wait", isExplained: true };
  if (!isLost(ledger, unit, view.seat)) {
    return { row: isDetached ? 6 : 7, act: "wait", isExplained: false };
  }
  // Row 6
  if (isOfDeadOwner(header)) return adopt(view, 6, textHash);
  // Row 5
  const seconds = graceSeconds - secondsMissing(header);
  if (seconds > 0) return { row: 5, act: "wait for the grace time", seconds };
  return adopt(view, 5, textHash);
}

function adopt(view: View, row: 3 | 5 | 6, textHash: number): Step {
  return view.adopts ? { row, act: "adopt", textHash } : { row, act: "leave it to one who adopts" };
}
