/** From a unit to a grant, and from a grant to its end, under the mutex. The order of the writes is in participant.ts. */
import { now, timestampOf } from "../../posix/clock.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { ownStartNamespace } from "../../posix/proc.ts";
import { hasEnded } from "../../posix/process-start.ts";
import { LockDamagedError } from "../../lock/errors.ts";
import { formatLockInfo } from "../../lock/info-text.ts";
import type { ProcessLabel } from "../../lock/status.ts";
import { hashOf } from "../objects/unit.ts";
import { type LedgerState, lockStates, seatStates } from "./layout.ts";
import { evictorOf, hasKindFlag, isEvictorOf, namespaceOf } from "./seat-words.ts";
import {
  forgetWaiterMark,
  isSeatOverwritten,
  leaveSeat,
  type Own,
  stillOwnsSeat,
} from "./own-seat.ts";
import { evictorLabel } from "./process-number.ts";
import { freeSlot, isEvicted, kinds, otherHolder } from "./queue.ts";
import { seatTime } from "./seat-time.ts";
import {
  isHoldersText,
  isPosted,
  markOf,
  passRecordTo,
  writeEndingOfDead,
  writeFree,
} from "./record.ts";

/** Makes the unit known that this participant has, in the order that a death between two steps allows. */
export function recordGrant(own: Own): void {
  const { ledger, unit, wish } = own;
  const { header } = ledger;
  const { seconds, microseconds } = now();
  const grantedAt = seconds * 1e6 + microseconds;
  const info = formatLockInfo(wish.message, timestampOf({ seconds, microseconds }));
  const { bytes, text } = unit.encodeGrant(info);
  const hash = hashOf(text);
  unit.setMark(markOf(header.grants));
  header.state = lockStates.held;
  header.holderHash = hash;
  header.semaphore = unit.semaphoreId;
  header.grantedAt = grantedAt;
  header.boundProcess = 0;
  header.missingSince = 0;
  writeEndingOfDead(ledger, own.seat);
  own.tookUnitUnrecorded = false;
  try {
    recordHolder(own, grantedAt, info, hash);
  } catch (error) {
    // What cannot be written down is not granted.
    returnUnrecorded(own);
    throw error;
  }
  faultPoint("held");
  try {
    unit.writeInfo(bytes);
    unit.setMark(0);
    unit.setWaiterMark(0);
  } catch (error) {
    undoGrant(own);
    throw error;
  }
  faultPoint("granted");
}

/**
 * Gives a unit back after its record could not be written, or only a part of it: never under a record that says held.
 * If not even that can be mended, the seat is that of a dead holder, and the next one adopts.
 */
function returnUnrecorded(own: Own): void {
  const { ledger, unit } = own;
  const { header } = ledger;
  ledger.reread();
  try {
    if (header.state === lockStates.held && header.holderSeat === own.seat) {
      writeFree(ledger, unit.infoHash(), unit);
      ledger.store();
    }
    if (header.state === lockStates.free) {
      forgetWaiterMark(own);
      unit.postIfLocked();
    }
  } catch {
    // The first error says what is wrong.
  }
  dropSeat(own);
}

/** Lets go of the seat without a word in the ledger, which cannot be written. */
function dropSeat(own: Own): void {
  own.ledger.abandonSeat();
  own.seat = 0;
  own.grant = undefined;
}

/** Joins a group: its unit is this participant's too, and so is its info text. */
export function joinGroup(own: Own): void {
  const { seconds, microseconds } = now();
  const info = formatLockInfo(own.wish.message, timestampOf({ seconds, microseconds }));
  try {
    recordHolder(own, seconds * 1e6 + microseconds, info, own.ledger.header.holderHash);
  } catch (error) {
    dropSeat(own);
    throw error;
  }
  faultPoint("joined");
}

/** @param hash of the info text of the grant, this one's or its group's */
function recordHolder(own: Own, grantedAt: number, info: string, hash: number): void {
  const { ledger } = own;
  const { header } = ledger;
  const token = ledger.drawNumber();
  const slot = own.wish.kind === kinds.slots ? freeSlot(ledger, own.seat) : 0;
  header.holderSeat = own.seat;
  header.token = token;
  header.grants += 1;
  const seat = ledger.seat(own.seat);
  seat.state = seatStates.holding;
  seat.slot = slot;
  const slotName = own.wish.slotNames?.[slot];
  if (slotName !== undefined) seat.slotName = slotName;
  seat.token = token;
  seat.grantedAt = seatTime(seat, grantedAt);
  ledger.store();
  own.grant = { token, slot, info, hash };
}

/** A grant whose text cannot be written is none. */
function undoGrant(own: Own): void {
  const { ledger, unit } = own;
  const other = otherHolder(ledger, own.seat);
  if (other === 0) writeFree(ledger, unit.infoHash(), unit);
  else passRecordTo(ledger, other);
  leaveSeat(own, seatStates.lapsed);
  if (other === 0) unit.postIfLocked();
}

/**
 * Releases what was granted.
 *
 * @param exitStatus of the command that ran under it, if there was one
 * @returns false where it was forced from this holder; then nothing is given back
 */
export function releaseGrant(own: Own, exitStatus?: number): boolean {
  const { ledger, unit } = own;
  if (!isSeatOverwritten(own) && !stillOwnsSeat(own)) {
    leaveForced(own, exitStatus);
    return false;
  }
  if (leaveToGroup(own, exitStatus)) return true;
  unit.recreateIfMissing(() => 0);
  if (own.wish.kind !== kinds.exclusive) {
    const hidden = ledger.overwrittenSeat();
    if (hidden !== 0) {
      handUnitTo(own, hidden);
      return true;
    }
  }
  const hash = ownTextHash(ledger, own);
  const isOwn = hash !== undefined;
  writeFree(ledger, hash, isOwn ? unit : undefined);
  const ending = isOwn ? seatStates.released : seatStates.forced;
  leaveHolder(own, ending, { recorded: lockStates.free, exitStatus });
  faultPoint("freed");
  if (isOwn) unit.postIfLocked();
  faultPoint("given-back");
  return isOwn;
}

/** Leaves a seat that was evicted, and keeps who did it. */
function leaveForced(own: Own, exitStatus?: number): void {
  if (own.seat !== 0 && own.seat <= own.ledger.seats) {
    own.forcedBy = evictorLabel(own.ledger.seat(own.seat));
  }
  leaveSeat(own, seatStates.forced, exitStatus);
}

/**
 * Leaves the seat of a holder. An error is none if the record was written all the same, and only the seat was not:
 * its byte is free. Otherwise it is the seat of a dead holder, and the next one adopts.
 *
 * @param options.recorded what the record has to say
 */
function leaveHolder(
  own: Own,
  ending: number,
  { recorded, exitStatus }: { recorded: number; exitStatus?: number | undefined },
): void {
  try {
    leaveSeat(own, ending, exitStatus);
  } catch (error) {
    own.ledger.reread();
    dropSeat(own);
    if (own.ledger.header.state !== recorded) throw error;
  }
}

/** Leaves the unit to another holder of the group; false where there is none. */
function leaveToGroup(own: Own, exitStatus?: number): boolean {
  const other = otherHolder(own.ledger, own.seat);
  if (other === 0) return false;
  passRecordTo(own.ledger, other);
  leaveSeat(own, seatStates.released, exitStatus);
  return true;
}

/** Leaves the unit to a seat that may be of the same group: it was written over, so the record has to say it. */
function handUnitTo(own: Own, seat: number): void {
  const { ledger, unit } = own;
  const { header } = ledger;
  header.state = lockStates.held;
  header.holderHash = unit.infoHash();
  header.semaphore = unit.semaphoreId;
  header.holderSeat = seat;
  header.token = ledger.drawNumber();
  header.boundProcess = 0;
  leaveSeat(own, seatStates.released);
}

/**
 * Whether the hold was lost. If somebody wrote over the lock's objects, others are refused, and it is lost once they
 * can come in all the same.
 */
export function isHoldLost(own: Own): boolean {
  const { grant, ledger, unit } = own;
  if (grant === undefined) return false;
  const isLost = unlessDamaged(() => {
    unit.requireWhole();
    return ledger.snapshot((state) => isLostIn(state, own));
  });
  return isLost ?? (!ledger.fileHasName() || unit.isTakeable());
}

/** @returns undefined where the lock's objects are damaged */
function unlessDamaged<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof LockDamagedError) return undefined;
    throw error;
  }
}

/** Whether the hold was lost, as it is in a ledger that was only read. */
function isLostIn(state: LedgerState, own: Own): boolean {
  const { seat, ticket } = own;
  if (seat > state.seats || state.seat(seat).ticket !== ticket) return false;
  if (isEvicted(state.seat(seat))) return true;
  return ownTextHash(state, own) === undefined;
}

/** The process that asked a holder to leave; undefined where none did, or nobody can tell. */
export function askerOf(own: Own): ProcessLabel | undefined {
  return unlessDamaged(() => own.ledger.snapshot((state) => askerIn(state, own)));
}

function askerIn(state: LedgerState, { seat, ticket }: Own): ProcessLabel | undefined {
  const held = state.seat(seat);
  if (held.ticket !== ticket || !hasKindFlag(held, "askedToLeave")) return undefined;
  const process = evictorOf(held);
  const found = state.taken.find((number) => {
    const other = state.seat(number);
    const isIt = other.process === process && isEvictorOf(held, namespaceOf(other));
    return isIt && number !== seat;
  });
  return { ...evictorLabel(held), command: found === undefined ? "" : state.seat(found).message };
}

/** The hash of the info text, where no peer has forced the lock from this holder; else undefined. */
function ownTextHash({ header }: LedgerState, { unit, grant }: Own): number | undefined {
  // The semaphore before the text: a peer posts before it writes.
  if (isPosted(header, unit)) return undefined;
  const hash = unit.infoHash();
  return hash === grant?.hash || isHoldersText(header, unit, hash) ? hash : undefined;
}

/**
 * Leaves the lock held by nobody alive, as the Python module does, or bound to a process.
 *
 * @param boundProcess 0 for none
 * @param boundStart its start time
 * @returns false where it was forced from this holder
 */
export function detachGrant(own: Own, boundProcess: number, boundStart: number): boolean {
  const { ledger } = own;
  if (!stillOwnsSeat(own)) {
    leaveForced(own);
    return false;
  }
  // It ended before the hold was bound to it: nobody has to find that out.
  if (boundProcess !== 0 && hasEnded(boundProcess, boundStart)) return releaseGrant(own);
  // A group stays held by those who live.
  if (leaveToGroup(own)) return true;
  own.unit.requireWhole();
  const hash = ownTextHash(ledger, own);
  if (hash === undefined) {
    writeFree(ledger, undefined);
    leaveSeat(own, seatStates.forced);
    return false;
  }
  const { header } = ledger;
  header.state = lockStates.detached;
  header.notedHash = hash;
  header.boundProcess = boundProcess;
  header.boundStart = boundProcess === 0 ? 0 : boundStart;
  header.boundNamespace = boundProcess === 0 ? 0 : ownStartNamespace();
  leaveHolder(own, seatStates.detached, { recorded: lockStates.detached });
  faultPoint("detached");
  return true;
}
