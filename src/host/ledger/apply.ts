/** What the first of the queue does: the steps of decide.ts, applied. Each in the order that a death between two writes allows. */
import { faultPoint } from "../../posix/fault-point.ts";
import { ownPidNamespace } from "../../posix/proc.ts";
import { isAlive } from "../../posix/process-start.ts";
import type { Step } from "./decide.ts";
import { joinGroup, recordGrant } from "./grant.ts";
import { lockStates, seatStates } from "./layout.ts";
import type { Own, Predecessor } from "./own-seat.ts";
import { noProcess, processLabel, processOf } from "./process-number.ts";
import { seatAtSemaphore } from "./queue.ts";
import {
  deadHolder,
  endedByRelease,
  evictAllAndMarkFree,
  markOf,
  noteFound,
  noteMissing,
  recordedSeat,
  noteUnitsAdopted,
  writeEnding,
  writeFree,
} from "./record.ts";
import { tickSeconds } from "./stall.ts";

/** What a request has to wait for, and after how long to try again in any case. */
export interface Blocked {
  /**
   * holder: until that seat is left. waiter: until that seat's participant no longer waits. semaphore: until there is
   * a unit. timer: nothing tells.
   */
  readonly on: "holder" | "waiter" | "semaphore" | "timer";
  /** 0 where it is not for a seat. */
  readonly seat: number;
  readonly retryAfterSeconds: number;
}

/**
 * What became of an attempt to get the lock: it has to wait; or it is given up, as a newer one came or too many wait
 * already.
 */
export type Outcome = "granted" | "superseded" | "crowded" | Blocked;

/** For what no byte tells: any of several slots may become free, or somebody else adopts. */
export const shortTickSeconds = 0.1;

const nobodyKnown: Predecessor = { ...noProcess, message: "" };

/** Does a step; undefined where the next one has to be decided. */
export function applyStep(own: Own, step: Step): Outcome | undefined {
  switch (step.act) {
    case "record the unit":
      // It may be of a semaphore that was deleted since; the new one has the same unit then.
      own.unit.drain();
      // The text of whoever had it last, which stands until this one's own: who dies in between holds with that one.
      own.ledger.header.notedHash = own.unit.infoHash();
      recordGrant(own);
      return "granted";
    case "evict the holders":
      evictAllAndMarkFree(own.ledger, own.unit);
      return undefined;
    case "drain":
      own.unit.drain();
      return undefined;
    case "join":
      joinGroup(own);
      return "granted";
    case "take":
      return take(own, step.textHash);
    case "adopt":
      return adopt(own, step);
    case "leave it to one who adopts":
      if (step.row === 5) noteMissing(own.ledger);
      // Not at the semaphore, where it would be in the way of those who adopt.
      setState(own, seatStates.waiting);
      return { on: "timer", seat: 0, retryAfterSeconds: shortTickSeconds };
    case "wait for the grace time":
      noteMissing(own.ledger);
      return waitAtSemaphore(own, step.seconds);
    default:
      if (step.isExplained) noteFound(own.ledger);
      return waitAtSemaphore(own, tickSeconds);
  }
}

function take(own: Own, textHash: number): Outcome {
  const { ledger, unit } = own;
  const { header } = ledger;
  if (textHash !== header.notedHash || header.state !== lockStates.free) {
    // A peer had it, or forced a detached one.
    writeEnding(ledger, recordedSeat(ledger), seatStates.forced);
    writeFree(ledger, textHash);
    ledger.store();
  }
  // Not between the mark and the take: who is killed there leaves the mark to a unit that a peer may take.
  faultPoint("before-take");
  unit.setMark(markOf(header.grants));
  if (!unit.tryTake()) {
    unit.setMark(0);
    noteFound(ledger);
    return waitAtSemaphore(own, tickSeconds);
  }
  // Until the record says so, it is to be given back where anything fails.
  own.tookUnitUnrecorded = true;
  faultPoint("taken");
  // More than one unit is somebody's mistake, such as two of the seed's unget at once.
  unit.drain();
  recordGrant(own);
  return "granted";
}

/** Takes over a unit that nobody gives back. */
function adopt(own: Own, { row, textHash }: Extract<Step, { act: "adopt" }>): Outcome {
  const { ledger } = own;
  const { header } = ledger;
  if (row === 5) noteMissing(ledger);
  const isRelease = row === 3 && endedByRelease(ledger);
  own.adopted = isRelease ? undefined : predecessor(own, row);
  noteUnitsAdopted(ledger);
  // In row 5 a detached hold was released, and the waiter that got its unit died.
  const isOver = isRelease || (row === 5 && header.state === lockStates.detached);
  writeEnding(ledger, recordedSeat(ledger), isOver ? seatStates.released : seatStates.recovered);
  header.notedHash = textHash;
  if (!isRelease) header.recoveries += 1;
  recordGrant(own);
  return "granted";
}

function predecessor(own: Own, row: 3 | 5 | 6): Predecessor {
  const { ledger } = own;
  if (row === 6) {
    const { boundProcess: process } = ledger.header;
    return { process, namespace: ownPidNamespace(), message: "the process that it was bound to" };
  }
  const dead = row === 3 ? deadHolder(ledger) : recordedSeat(ledger);
  const isAnothers = row === 5 && ledger.header.state === lockStates.detached;
  if (dead === 0 || isAnothers) return nobodyKnown;
  const seat = ledger.seat(dead);
  const { message } = seat;
  const { pid } = processLabel(processOf(seat));
  // In row 5 it died while it let go; or another one died before it could say that it holds.
  const isAnotherDead = seat.endedAt !== 0 || (pid !== null && isAlive(pid));
  return row === 5 && isAnotherDead ? nobodyKnown : { ...processOf(seat), message };
}

/** Waits for the semaphore: of a group only one, as two could not tell whose unit is missing. */
function waitAtSemaphore(own: Own, retryAfterSeconds: number): Blocked {
  const { ledger, seat, wish } = own;
  const other = seatAtSemaphore(ledger, seat);
  if (other !== 0) {
    setState(own, seatStates.waiting);
    return { on: "waiter", seat: other, retryAfterSeconds };
  }
  if (wish.wait.blocksAtSemaphore) setState(own, seatStates.atSemaphore);
  return { on: "semaphore", seat: 0, retryAfterSeconds };
}

function setState(own: Own, state: number): void {
  const seat = own.ledger.seat(own.seat);
  if (seat.state !== state) seat.state = state;
}
