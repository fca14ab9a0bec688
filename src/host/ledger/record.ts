/**
 * The record in the header of a ledger: what became of the unit. All of it under the mutex.
 *
 * | record | semaphore | info text | what it means to the first of the queue |
 * |---|---|---|---|
 * | held, and somebody alive holds | 0 | the holder's | a group of shared holders or slots: join it |
 * | held otherwise | 0 | the holder's | its holder died: adopt the unit |
 * | held | over 0, or | a later grant's | a peer forced the lock: the holders are evicted, and it is free |
 * | free or detached | over 0 | | take it |
 * | free | 0 | as noted | somebody died between two steps, or a peer is between two: adopt after a second |
 * | detached | 0 | as noted | adopt, if the process that it is bound to is dead |
 * | free or detached | 0 | otherwise | a peer holds it, or it is detached: wait for the semaphore |
 *
 * Where the semaphore and the text are both looked at, the order matters: to take, the text first, as a peer that
 * takes the unit in between changes it afterwards; for all else the semaphore first, as a peer that forces the
 * lock posts before it takes and writes. The model in test/model shows what goes wrong otherwise.
 */
import { monotonicSeconds, now } from "../../posix/clock.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { hasEnded } from "../../posix/process-start.ts";
import {
  evictions,
  header,
  headerWords,
  type Ledger,
  lockStates,
  seatStates,
  seatWords,
} from "./ledger.ts";
import { isLaterGrant } from "../../lock/info-text.ts";
import { hashOf, type LockUnit } from "../objects/unit.ts";
import { evictedAtSemaphore, holders, seatAtSemaphore } from "./queue.ts";

/** For so long an unexplained 0 may be a peer between taking the unit and writing its text. */
export const graceSeconds = 1;
/** Who saw the unit missing last must have done so within this time, or it may have been there meanwhile. */
const missingSeenSeconds = 1.5;

/** Microseconds since 1970. */
export function microsecondsNow(): number {
  const { seconds, microseconds } = now();
  return seconds * 1e6 + microseconds;
}

function monotonicMicroseconds(): number {
  return Math.floor(monotonicSeconds() * 1e6);
}

/** The time in a word of the header that is monotonic, in seconds. */
export function secondsIn(ledger: Ledger, word: number): number {
  return ledger.readWide(header, word) / 1e6;
}

/**
 * Whether the info text is that of the record's holder, or one that was only set: not that of a later grant,
 * which a peer writes that has forced the lock from the holder.
 */
export function isHoldersText(ledger: Ledger, unit: LockUnit, hash: number): boolean {
  return (
    hash === ledger.read(header, headerWords.holderHash) ||
    hash === ledger.read(header, headerWords.notedHash) ||
    !isLaterGrant(unit.readInfo(), ledger.readWide(header, headerWords.grantedAt))
  );
}

/** Whether the semaphore was posted under the record's holder. A semaphore made anew meanwhile tells nothing. */
export function isPosted(ledger: Ledger, unit: LockUnit): boolean {
  return unit.value > 0 && ledger.read(header, headerWords.semaphore) === unit.semaphoreId;
}

/** Whether the process that a detached hold is bound to has ended. */
export function isOwnerDead(ledger: Ledger): boolean {
  const owner = ledger.read(header, headerWords.boundProcess);
  return owner !== 0 && hasEnded(owner, ledger.readWide(header, headerWords.boundStart));
}

/**
 * Whether nobody will give the unit back, with the semaphore at 0 and the info text as noted; but for the grace
 * time. That cannot be said while another one is at the semaphore: it may have got the unit and not have been able
 * to say so yet. One that was evicted there has been stopped for long; {@link supersede} sees to its unit.
 *
 * @param own the seat of who asks, or is asked about
 */
export function isLost(ledger: Ledger, own: number): boolean {
  const state = ledger.read(header, headerWords.state);
  const isUnowned =
    state === lockStates.free || (state === lockStates.detached && isOwnerDead(ledger));
  return isUnowned && seatAtSemaphore(ledger, own) === 0;
}

/**
 * Before a unit is adopted: those that were evicted at the semaphore may be stopped with just that unit in
 * hand. They are told to drop what they have got.
 */
export function supersede(ledger: Ledger): void {
  for (const seat of evictedAtSemaphore(ledger)) {
    ledger.write(seat, seatWords.evicted, evictions.superseded);
  }
  ledger.store();
}

/** Notes that the unit is missing without an explanation; how long it has been by now, in seconds. */
export function noteMissing(ledger: Ledger): number {
  const time = monotonicSeconds();
  const seen = secondsIn(ledger, headerWords.missingSeen);
  const since = secondsIn(ledger, headerWords.missingSince);
  const goesOn = since > 0 && time - seen < missingSeenSeconds;
  if (!goesOn) ledger.writeWide(header, headerWords.missingSince, monotonicMicroseconds());
  ledger.writeWide(header, headerWords.missingSeen, monotonicMicroseconds());
  ledger.store();
  return goesOn ? time - since : 0;
}

/** Notes that nothing is missing. The caller stores the header. */
export function noteFound(ledger: Ledger): void {
  if (ledger.readWide(header, headerWords.missingSince) === 0) return;
  ledger.writeWide(header, headerWords.missingSince, 0);
}

/**
 * Makes the record say that the lock is free. The caller stores it, and then gives the unit back.
 *
 * @param noted the hash of the info text; undefined leaves what was noted
 */
export function writeFree(ledger: Ledger, noted: number | undefined): void {
  ledger.write(header, headerWords.state, lockStates.free);
  if (noted !== undefined) ledger.write(header, headerWords.notedHash, noted);
  ledger.write(header, headerWords.boundProcess, 0);
  ledger.writeWide(header, headerWords.missingSince, 0);
  ledger.writeWide(header, headerWords.freedAt, monotonicMicroseconds());
}

/** Takes a seat's rights from it; its participant finds out when it looks. */
export function evict(ledger: Ledger, seat: number): void {
  ledger.write(seat, seatWords.evicted, evictions.evicted);
  ledger.writeWide(seat, seatWords.endedAt, microsecondsNow());
  ledger.writeWide(header, headerWords.evictedAt, monotonicMicroseconds());
  ledger.store();
  faultPoint("evicted");
}

/** The seat that the record's holder sat in, alive or not; 0 where that is somebody else's by now. */
export function recordedSeat(ledger: Ledger): number {
  const seat = ledger.read(header, headerWords.holderSeat);
  const isIt =
    seat > 0 &&
    seat <= ledger.seats &&
    ledger.readWide(seat, seatWords.token) === ledger.readWide(header, headerWords.token);
  return isIt ? seat : 0;
}

/** Writes into the history how the hold ended of who does not do so itself. The caller stores it. */
export function writeEnding(ledger: Ledger, seat: number, ending: number): void {
  if (seat === 0 || ledger.readWide(seat, seatWords.endedAt) !== 0) return;
  ledger.write(seat, seatWords.state, ending);
  ledger.writeWide(seat, seatWords.endedAt, microsecondsNow());
  if (!ledger.isLive(seat)) ledger.writeWide(seat, seatWords.ticket, 0);
}

/** Evicts those that hold and makes the record free, as somebody forced the lock. */
export function forceFree(ledger: Ledger, unit: LockUnit): void {
  for (const seat of holders(ledger)) evict(ledger, seat);
  const state = ledger.read(header, headerWords.state);
  // A peer's text is not noted, as the peer goes on if this process dies before the unit is given back.
  const hash = unit.infoHash();
  const isKnown = state === lockStates.held && isHoldersText(ledger, unit, hash);
  // To end a detached hold so is the ordinary way.
  const ending = state === lockStates.detached ? seatStates.released : seatStates.forced;
  if (state !== lockStates.free) writeEnding(ledger, recordedSeat(ledger), ending);
  writeFree(ledger, isKnown ? hash : undefined);
  ledger.store();
  faultPoint("forced");
}

/**
 * Releases a lock whoever holds it; a holder that is hit goes on without the lock.
 *
 * @returns whether it was locked
 */
export function forceRelease(ledger: Ledger, unit: LockUnit): boolean {
  return ledger.transact(() => {
    const state = ledger.read(header, headerWords.state);
    const isThere = unit.value > 0;
    if (state === lockStates.free && isThere) return false;
    forceFree(ledger, unit);
    unit.giveBack();
    return state === lockStates.held || !isThere;
  });
}

/** Notes a text that a participant writes while nobody attached holds, so that it is not taken for a peer's grant. */
export function noteInfo(ledger: Ledger, unit: LockUnit, bytes: Uint8Array): void {
  ledger.transact(() => {
    const hash = hashOf(bytes.subarray(0, -1));
    const held = ledger.read(header, headerWords.state) === lockStates.held;
    // Noted only where what stands there is known; a peer's grant must stay a peer's.
    const word = held ? headerWords.holderHash : headerWords.notedHash;
    if (held || ledger.read(header, word) === unit.infoHash()) {
      ledger.write(header, word, hash);
      ledger.store();
    }
    unit.writeInfo(bytes);
  });
}

/** What a semaphore has to start with that is made while the ledger lives. */
export function unitsAtRest(ledger: Ledger): number {
  return ledger.read(header, headerWords.state) === lockStates.free ? 1 : 0;
}
