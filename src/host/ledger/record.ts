/**
 * The record in the header of a ledger: what became of the unit. What changes it here runs under the mutex. The
 * table of what it means to the first of the queue is in decide.ts.
 */
import { microsecondsNow, monotonicSeconds } from "../../posix/clock.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { ownPidNamespace } from "../../posix/proc.ts";
import { hashOf, type LockUnit } from "../objects/unit.ts";
import { type Header, type LedgerState, lockStates, seatStates } from "./layout.ts";
import { evictedBy, evictionOf, evictions, hasKindFlag, seatFlags } from "./seat-words.ts";
import type { Ledger } from "./ledger.ts";
import { evictedAtSemaphore, holders, isHolding, seatAtSemaphore } from "./queue.ts";
import { isOwnerDead } from "./process-number.ts";
import { seatTime } from "./seat-time.ts";
import { isStampOf } from "./stamp.ts";

/** What can be read of a lock's unit. */
export type ReadableUnit = Pick<
  LockUnit,
  "readValue" | "readMark" | "readWaiterMark" | "semaphoreId" | "infoHash" | "stampAsRead"
>;

/** The marks that can be read of it. */
type ReadableMarks = Pick<ReadableUnit, "readMark" | "readWaiterMark">;

/** For so long an unexplained 0 may be a peer between taking the unit and writing its text. */
export const graceSeconds = 1;
const blankHash = hashOf(new Uint8Array());
/** Whoever saw the unit missing last must have done so within this time, or it may have been there meanwhile. */
const maxMissingSeenSeconds = 1.5;

function monotonicMicroseconds(): number {
  return Math.floor(monotonicSeconds() * 1e6);
}

/**
 * The mark that a participant leaves beside the semaphore, under the mutex, while it has the unit in hand and the record
 * does not say so: before it takes the unit until its text is written, and from before the record says free until the
 * unit is given back. Only a mark proves that nobody else has a unit that is missing; a text may come back.
 *
 * A mark is of one grant: with the next one it is no longer valid, an old program's included.
 *
 * @param grants how many there were before
 */
export function markOf(grants: number): number {
  return (grants + 1) % 2 ** 32 || 1;
}

/** A seat has 10 bits: see `maxSeats`. */
const seatRange = 2 ** 10;

/**
 * The mark of a participant that got the unit by waiting at the semaphore, without the mutex. It is a word of its own,
 * as whoever has the mutex meanwhile sets and clears the other one.
 *
 * @param grants how many there were when it got the unit
 */
export function waiterMarkOf(grants: number, seat: number): number {
  return ((grants + 1) % (2 ** 32 / seatRange)) * seatRange + seat;
}

/**
 * Whether a unit that is missing while the record says free was in the hand of a participant. The seats of a program
 * that leaves no marks have to be believed without.
 */
function isMarked(ledger: LedgerState, unit: ReadableMarks): boolean {
  return (
    isMarkOf(unit, ledger.header.grants) ||
    hasWaiterMark(ledger.header, unit) ||
    hasSeatWithoutMarks(ledger)
  );
}

/** Whether a participant got the unit by waiting at the semaphore, since the last grant. */
export function hasWaiterMark({ grants }: Readonly<Header>, unit: ReadableMarks): boolean {
  const mark = unit.readWaiterMark();
  return mark !== 0 && mark - (mark % seatRange) === waiterMarkOf(grants, 0);
}

/**
 * Whether a unit that is missing is that of a detached hold, or while the record says free was in the hand of a
 * participant. A blank segment tells nothing, as the one before it was deleted.
 *
 * @param hash of the info text, which was read just before
 */
export function isOwnUnit(
  ledger: LedgerState,
  unit: ReadableMarks & Pick<ReadableUnit, "stampAsRead">,
  hash: number,
): boolean {
  const { header } = ledger;
  if (header.state === lockStates.detached) return isDetachedText(header, unit, hash);
  return (hash === header.notedHash || isBlank(unit, hash)) && isMarked(ledger, unit);
}

/** Whether nobody has written to the segment yet, or there is none. */
function isBlank(unit: Pick<ReadableUnit, "stampAsRead">, hash: number): boolean {
  return hash === blankHash && unit.stampAsRead().digits === "";
}

function isMarkOf(unit: Pick<ReadableUnit, "readMark">, grants: number): boolean {
  return unit.readMark() === markOf(grants);
}

function hasSeatWithoutMarks(ledger: LedgerState): boolean {
  for (let number = 1; number <= ledger.seats; number++) {
    const { since, flags } = ledger.seat(number);
    if (since !== 0 && (flags & seatFlags.leavesMarks) === 0) return true;
  }
  return false;
}

/**
 * Whether the info text is that of the record's holder, or one that was only set: not that of another grant, which a
 * peer writes that has forced the lock from the holder.
 *
 * @param hash of the text, which was read just before
 */
export function isHoldersText(
  header: Readonly<Header>,
  unit: Pick<ReadableUnit, "readMark" | "stampAsRead">,
  hash: number,
): boolean {
  const isNoted = hash === header.notedHash;
  const stamp = unit.stampAsRead();
  if (stamp.isDated && (isNoted || hash === header.holderHash)) return true;
  // The holder died before it could write its text.
  if (isNoted && isMarkOf(unit, header.grants - 1)) return true;
  return isStampOf(stamp, header.grantedAt);
}

/** Whether the semaphore was posted under the record's holder. A recreated semaphore tells nothing. */
export function isPosted(header: Readonly<Header>, unit: ReadableUnit): boolean {
  return unit.readValue() > 0 && header.semaphore === unit.semaphoreId;
}

/**
 * Whether nobody will give the unit back, with the semaphore at 0 and the info text as noted; but for the grace
 * time. That cannot be said while another one is at the semaphore: it may have got the unit and not have been able
 * to say so yet. One that was evicted there has been stopped for long; {@link noteUnitsAdopted} sees to its unit.
 *
 * @param own the seat of whoever asks, or is asked about
 */
export function isLost(ledger: LedgerState, unit: ReadableMarks, own: number): boolean {
  const { header } = ledger;
  const isUnowned =
    header.state === lockStates.free ||
    (header.state === lockStates.detached && (hasWaiterMark(header, unit) || isOwnerDead(header)));
  return isUnowned && seatAtSemaphore(ledger, own) === 0;
}

/** Whether the unit is that of a detached hold whose process ended: then there is no grace time to wait for. */
export function isOfDeadOwner(header: Readonly<Header>): boolean {
  return header.state === lockStates.detached && isOwnerDead(header);
}

/**
 * For how long the unit has been seen missing without an explanation. What was seen in the future was seen by a process
 * of another time namespace, whose clock is ahead: it tells nothing.
 */
export function secondsMissing({ missingSince, missingSeen }: Readonly<Header>): number {
  const time = monotonicSeconds();
  const seenSecondsAgo = time - missingSeen / 1e6;
  const goesOn = missingSince > 0 && seenSecondsAgo >= 0 && seenSecondsAgo < maxMissingSeenSeconds;
  return goesOn ? time - missingSince / 1e6 : 0;
}

/** Notes that the unit is missing without an explanation. */
export function noteMissing(ledger: Ledger): void {
  const { header } = ledger;
  const time = monotonicMicroseconds();
  if (secondsMissing(header) === 0) header.missingSince = time;
  header.missingSeen = time;
  ledger.store();
}

/** Notes that nothing is missing. The caller stores the header. */
export function noteFound({ header }: Ledger): void {
  if (header.missingSince !== 0) header.missingSince = 0;
}

/**
 * Before a unit is adopted: those that were evicted at the semaphore may be stopped with just that unit in
 * hand. They are told to drop what they have got.
 */
export function noteUnitsAdopted(ledger: Ledger): void {
  for (const number of evictedAtSemaphore(ledger)) {
    const seat = ledger.seat(number);
    seat.evicted += evictions.unitAdopted - evictionOf(seat);
  }
  ledger.store();
}

/**
 * Makes the record say that the lock is free. The caller stores it.
 *
 * @param noted the hash of the info text; undefined leaves what was noted
 * @param inHand the unit, if the caller has it and gives it back afterwards
 */
export function writeFree(
  { header }: Ledger,
  noted: number | undefined,
  inHand?: Pick<LockUnit, "setMark">,
): void {
  inHand?.setMark(markOf(header.grants));
  header.state = lockStates.free;
  if (noted !== undefined) header.notedHash = noted;
  header.boundProcess = 0;
  header.missingSince = 0;
  header.freedAt = monotonicMicroseconds();
}

/**
 * Takes a seat's rights from it; its participant finds out at its next attempt.
 *
 * @param by the process that forces the lock from it; 0 where nobody does, or nobody knows
 */
export function evict(ledger: Ledger, number: number, by = 0): void {
  const seat = ledger.seat(number);
  seat.evicted = evictedBy(evictions.evicted, by, ownPidNamespace());
  seat.endedAt = seatTime(seat, microsecondsNow());
  ledger.header.evictedAt = monotonicMicroseconds();
  ledger.store();
  faultPoint("evicted");
}

/** The seat that the record's holder sat in, alive or not; 0 where that is somebody else's by now. */
export function recordedSeat(ledger: LedgerState): number {
  const { holderSeat, token } = ledger.header;
  const isIt =
    holderSeat > 0 && holderSeat <= ledger.seats && ledger.seat(holderSeat).token === token;
  return isIt ? holderSeat : 0;
}

/**
 * A holder that died, where the record says held and nobody who lives holds: the one that the record names, or another
 * one of its group; 0 where nobody knows, or where {@link endedByRelease none} died.
 */
export function deadHolder(ledger: LedgerState): number {
  const recorded = recordedSeat(ledger);
  if (recorded === 0 || !hasKindFlag(ledger.seat(recorded), "endsByRelease")) return recorded;
  const died = ledger.taken.find((number) => {
    const seat = ledger.seat(number);
    return isHolding(seat) && !hasKindFlag(seat, "endsByRelease");
  });
  return died ?? 0;
}

/**
 * Whether all holders ended by a release, where the record says held and nobody who lives holds: their commands took the
 * place of `run`, and nobody was left to write that down.
 */
export function endedByRelease(ledger: LedgerState): boolean {
  return recordedSeat(ledger) !== 0 && deadHolder(ledger) === 0;
}

/** Makes another holder of a group the one that the record names. The caller stores it. */
export function passRecordTo(ledger: Ledger, seat: number): void {
  ledger.header.holderSeat = seat;
  ledger.header.token = ledger.seat(seat).token;
}

/** Writes into the history how the hold ended of one who does not do so itself. The caller stores it. */
export function writeEnding(ledger: Ledger, number: number, ending: number): void {
  if (number === 0) return;
  const seat = ledger.seat(number);
  if (seat.endedAt !== 0) return;
  seat.state = ending;
  seat.endedAt = seatTime(seat, microsecondsNow());
  if (!ledger.isLive(number)) seat.ticket = 0;
}

/**
 * Ends the holds of all who died, as one does who is granted a unit of its own: else they would count to its grant, too,
 * such as one that died in a group of which others went on. The caller stores it.
 *
 * @param own the seat of whoever is granted
 */
export function writeEndingOfDead(ledger: Ledger, own: number): void {
  for (const number of ledger.taken) {
    const seat = ledger.seat(number);
    if (number === own || !isHolding(seat) || ledger.isLive(number)) continue;
    const isRelease = hasKindFlag(seat, "endsByRelease");
    writeEnding(ledger, number, isRelease ? seatStates.released : seatStates.recovered);
  }
}

/**
 * Evicts those that hold and makes the record free, as somebody forced the lock.
 *
 * @param options.givesBack whether the caller gives the unit back afterwards
 * @param options.by the process that forces it, 0 for a peer that nobody knows
 */
export function evictAllAndMarkFree(
  ledger: Ledger,
  unit: LockUnit,
  { givesBack = false, by = 0 } = {},
): void {
  for (const seat of holders(ledger)) evict(ledger, seat, by);
  const { header } = ledger;
  const { state } = header;
  const value = unit.readValue();
  const hash = unit.infoHash();
  const isKnown = state === lockStates.held && isHoldersText(header, unit, hash);
  const isOurs = isKnown || (state !== lockStates.held && isOwnUnit(ledger, unit, hash));
  // To end a detached hold so is the ordinary way; and one that ended by a release was ended before.
  const recorded = recordedSeat(ledger);
  const isEnded = recorded !== 0 && !ledger.isLive(recorded) && endedByRelease(ledger);
  const isRelease = state === lockStates.detached || isEnded;
  const ending = isRelease ? seatStates.released : seatStates.forced;
  if (state !== lockStates.free) writeEnding(ledger, recorded, ending);
  // A peer's text is not noted, as the peer goes on if this process dies before the unit is given back.
  const inHand = givesBack && isOurs && value === 0 ? unit : undefined;
  // One that was left by somebody who died tells of a unit that is a peer's by now, or is about to be posted.
  if (inHand === undefined) unit.setMark(0);
  writeFree(ledger, isKnown ? hash : undefined, inHand);
  ledger.store();
  faultPoint("forced");
}

/**
 * Whether the info text is still that of a detached hold: the one that it left, or one that was only set over it.
 *
 * @param hash of the text, which was read just before
 */
function isDetachedText(
  { notedHash, grantedAt }: Readonly<Header>,
  unit: Pick<ReadableUnit, "stampAsRead">,
  hash: number,
): boolean {
  const stamp = unit.stampAsRead();
  if (stamp.isDated) return hash === notedHash;
  // What hides the date of the hold, without being the text that it left, may be over that of another one.
  const isSetOver = hash === notedHash || stamp.digits !== "" || hash === blankHash;
  return isSetOver && isStampOf(stamp, grantedAt);
}

/** Writes an info text, and notes it, so that it is not taken for a peer's grant. */
export function writeInfoText(ledger: Ledger, unit: LockUnit, bytes: Uint8Array): void {
  ledger.transact(() => {
    // What another segment says is not to be believed.
    unit.reopenIfReplaced({ now: true });
    noteInfoText(ledger, unit, hashOf(bytes.subarray(0, -1)));
    unit.writeInfo(bytes);
  });
}

/** @param hash of the text that is going to be written */
function noteInfoText(ledger: Ledger, unit: LockUnit, hash: number): void {
  const { header } = ledger;
  // The semaphore before the text.
  const isForced = header.state === lockStates.held && isPosted(header, unit);
  const value = unit.readValue();
  const current = unit.infoHash();
  if (header.state === lockStates.held) {
    if (!isForced && isHoldersText(header, unit, current)) {
      header.holderHash = hash;
      ledger.store();
      return;
    }
    // What a peer's text would tell is about to be written over.
    evictAllAndMarkFree(ledger, unit);
  }
  const isFree = header.state === lockStates.free;
  const isKnown =
    isOwnUnit(ledger, unit, current) || (isFree && (current === header.notedHash || value > 0));
  // A peer's grant must stay a peer's, also where a text comes back that was noted.
  if (isKnown) header.notedHash = hash;
  else if (header.notedHash === hash) header.notedHash = 0;
  ledger.store();
}

/** What a semaphore has to start with that is created while the ledger lives. */
export function initialSemaphoreValue({ header }: LedgerState): number {
  return header.state === lockStates.free ? 1 : 0;
}
