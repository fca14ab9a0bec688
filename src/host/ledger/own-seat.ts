/** A participant's own seat: taken, checked and left, under the mutex. */
import { microsecondsNow } from "../../posix/clock.ts";
import { ownPidNamespace } from "../../posix/proc.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { LockFullError } from "../../lock/errors.ts";
import type { Pid } from "../../lock/status.ts";
import type { LockUnit } from "../objects/unit.ts";
import type { View } from "./decide.ts";
import { lockStates, seatStates } from "./layout.ts";
import {
  evictionOf,
  evictions,
  type kindFlags,
  seatFlags,
  withExitStatus,
  withKindFlags,
  withNamespace,
} from "./seat-words.ts";
import type { Ledger } from "./ledger.ts";
import type { ProcessNumber } from "./process-number.ts";
import { isEvicted } from "./queue.ts";
import {
  evictAllAndMarkFree,
  isHoldersText,
  recordedSeat,
  waiterMarkOf,
  writeFree,
} from "./record.ts";
import { clockOffset, seatTime } from "./seat-time.ts";

/** What a request does to others when it comes: newcomer.ts. All of it under the mutex. */
export interface Newcomer {
  /** What its seat says of it. */
  readonly flags: readonly (keyof typeof kindFlags)[];
  /** Before it takes a seat: the process of a newer one that it leaves the queue to. */
  supersededBy(own: Own): Pid | undefined;
  /** Once it has a seat. @returns "crowded" where it may not wait; then nothing was done to others */
  arrive(own: Own): "crowded" | undefined;
  /** Once it has to wait. */
  mustWait(own: Own): void;
}

/** What a participant asks for. */
export interface Wish {
  readonly kind: number;
  /** How many may hold at once, for slots. */
  readonly slots: number;
  /** What each slot stands for, by its number. */
  readonly slotNames?: readonly string[] | undefined;
  /** What the info text says after the date. */
  readonly message: string;
  /** Whether to take over a unit whose holder died. */
  readonly adopt: boolean;
  /** Whether the end of its participant is a release, and no death. */
  readonly endsByRelease?: boolean;
  /** Undefined for one that only queues. */
  readonly newcomer?: Newcomer | undefined;
  /** How it waits. */
  readonly wait: {
    /** Whether it waits by futex, and so has to be woken. */
    readonly usesFutex: boolean;
    /** Whether it may block in the kernel at the semaphore. */
    readonly blocksAtSemaphore: boolean;
  };
}

/** What was granted. */
interface OwnGrant {
  readonly token: number;
  readonly slot: number;
  /** The info text that it wrote. */
  readonly info: string;
  /** The hash of the info text, this one's or its group's. */
  readonly hash: number;
}

/** A holder whose unit was adopted. */
export interface Predecessor extends ProcessNumber {
  readonly message: string;
}

/** What a participant knows of itself. */
export interface Own extends View {
  ledger: Ledger;
  readonly unit: LockUnit;
  readonly wish: Wish;
  /** 0 for none. */
  seat: number;
  ticket: number;
  tookUnitUnrecorded: boolean;
  /** Its mark at the semaphore when it got the unit by waiting, 0 for none. */
  waiterMark: number;
  grant: OwnGrant | undefined;
  adopted: Predecessor | undefined;
  /** Who forced the lock from it, or superseded it in the queue; without a number where nobody did, or nobody knows. */
  forcedBy: Pid;
}

/** Whether the seat is still this participant's: it may have been evicted, or the ledger cut short. */
export function stillOwnsSeat({ ledger, seat, ticket }: Own): boolean {
  if (seat === 0 || seat > ledger.seats) return false;
  const own = ledger.seat(seat);
  return own.ticket === ticket && !isEvicted(own);
}

/** Whether somebody wrote over the seat: nobody else can take it while its byte is locked. */
export function isSeatOverwritten({ ledger, seat, ticket }: Own): boolean {
  return seat !== 0 && (seat > ledger.seats || ledger.seat(seat).ticket !== ticket);
}

/** Takes a seat at the end of the queue. @throws {LockFullError} */
export function takeSeat(own: Own): void {
  const { ledger, wish } = own;
  const isKept = ledger.header.state !== lockStates.free;
  const number = ledger.takeSeat(isKept ? recordedSeat(ledger) : 0);
  if (number === undefined) {
    throw new LockFullError(
      `Cannot wait for lock "${ledger.lockName}": ${ledger.seats} others already hold it or wait for it`,
    );
  }
  own.seat = number;
  own.ticket = ledger.drawNumber();
  const seat = ledger.seat(number);
  seat.ticket = own.ticket;
  seat.process = process.pid;
  const ownFlag = wish.endsByRelease === true ? (["endsByRelease"] as const) : [];
  const kind = withKindFlags(wish, ...(wish.newcomer?.flags ?? []), ...ownFlag);
  seat.kind = withNamespace({ kind }, ownPidNamespace());
  seat.slots = wish.slots;
  const now = microsecondsNow();
  const flags = seatFlags.leavesMarks | (wish.wait.usesFutex ? seatFlags.usesFutex : 0);
  seat.flags = flags + clockOffset(now);
  seat.state = seatStates.waiting;
  seat.since = now;
  seat.message = wish.message;
}

/**
 * Leaves the seat, and writes what was changed of the record.
 *
 * @param exitStatus of the command that ran under the hold, if there was one
 */
export function leaveSeat(own: Own, ending: number, exitStatus?: number): void {
  const { ledger, seat } = own;
  if (seat !== 0 && seat <= ledger.seats && ending !== seatStates.detached) {
    const left = ledger.seat(seat);
    if (left.endedAt === 0) left.endedAt = seatTime(left, microsecondsNow());
    if (exitStatus !== undefined) left.slots = withExitStatus(left, exitStatus);
  }
  ledger.leaveSeat(ending);
  own.seat = 0;
  own.grant = undefined;
}

/**
 * Leaves the queue; a unit that was got by waiting is given back as a holder does.
 *
 * @param reason why it gives up, where it is not for its time
 */
export function leaveQueue(own: Own, reason?: "crowded" | "deadlocked"): void {
  if (own.seat === 0) return;
  if (reason !== undefined && stillOwnsSeat(own)) {
    const seat = own.ledger.seat(own.seat);
    seat.kind = withKindFlags(seat, reason);
  }
  const gives = recordUnitReturned(own);
  leaveSeat(own, seatStates.lapsed);
  faultPoint("left");
  if (gives) giveBack(own);
}

/** Gives a unit back that was got by waiting, where somebody else comes first by now. */
export function returnUnit(own: Own): void {
  if (!recordUnitReturned(own)) return;
  own.ledger.store();
  giveBack(own);
}

/** Posts a unit that the record tells of by now. */
function giveBack(own: Own): void {
  // Before the post: with that it may be the next waiter's.
  forgetWaiterMark(own);
  own.unit.postIfLocked();
}

/** Takes the mark back that this one left when it got the unit by waiting. */
export function forgetWaiterMark(own: Own): void {
  own.unit.clearWaiterMark(own.waiterMark);
  own.waiterMark = 0;
}

/**
 * Makes the record, to be stored before, say that the lock is free, where there is a unit that has to be given back.
 * Where it says held, the unit is one too many: a peer that forces the lock has posted it. But once that peer has had
 * the lock, as its text tells, it has given the unit back: the hold is over, and nobody has told. The unit may also
 * have been adopted.
 *
 * @returns whether the unit has to be given back
 */
function recordUnitReturned(own: Own): boolean {
  if (!own.tookUnitUnrecorded) return false;
  own.tookUnitUnrecorded = false;
  const { ledger, unit, seat } = own;
  const { header } = ledger;
  const wasAdopted = evictionOf(ledger.seat(seat)) === evictions.unitAdopted;
  // One that it has got since the adoption is another one.
  const isAdopted = wasAdopted && !isGotSinceLastGrant(own);
  if (header.state === lockStates.held) {
    if (isAdopted || isHoldersText(header, unit, unit.infoHash())) {
      forgetWaiterMark(own);
      return false;
    }
    evictAllAndMarkFree(ledger, unit);
  } else if (isAdopted) {
    return false;
  }
  writeFree(ledger, unit.infoHash(), unit);
  return true;
}

/** Whether nobody was granted since it has got its unit, as its mark says, and nobody else has got one either. */
function isGotSinceLastGrant({ ledger, unit, waiterMark, seat }: Own): boolean {
  return (
    waiterMark === waiterMarkOf(ledger.header.grants, seat) && unit.readWaiterMark() === waiterMark
  );
}
