/** Who holds a lock and who waits, as the ledger and the semaphore tell. */
import { header, headerWords, type Ledger, lockStates, seatWords } from "./ledger/ledger.ts";
import type { LockUnit } from "./objects/unit.ts";
import { holders, kindNames, seatAtSemaphore, waiters } from "./ledger/queue.ts";
import { isOwnerDead, recordedSeat } from "./ledger/record.ts";
import type { Attachment, HolderStatus, LockStatus, ParticipantStatus } from "../lock/status.ts";

/** What of a lock's unit tells how it is held. */
export type UnitState = Pick<LockUnit, "value" | "infoHash">;

/** @param ledger undefined where there is none yet */
export function statusOf(ledger: Ledger | undefined, unit: UnitState): LockStatus {
  if (ledger === undefined) {
    return {
      holders: unit.value === 0 ? [foreign] : [],
      waiters: [],
      grants: 0,
      recoveries: 0,
    };
  }
  return ledger.transact(() => statusUnderMutex(ledger, unit));
}

/** The same, for who has the ledger's mutex. */
export function statusUnderMutex(ledger: Ledger, unit: UnitState): LockStatus {
  return {
    holders: holdersOf(ledger, unit),
    waiters: waiters(ledger).map((seat) => participantOf(ledger, seat)),
    grants: ledger.readWide(header, headerWords.grants),
    recoveries: ledger.readWide(header, headerWords.recoveries),
  };
}

function participantOf(ledger: Ledger, seat: number): ParticipantStatus {
  return {
    pid: ledger.read(seat, seatWords.process),
    command: ledger.readMessage(seat),
    since: ledger.readWide(seat, seatWords.since) / 1e6,
    kind: kindNames[ledger.read(seat, seatWords.kind)] ?? "exclusive",
  };
}

function holdersOf(ledger: Ledger, unit: UnitState): HolderStatus[] {
  const state = ledger.read(header, headerWords.state);
  if (state === lockStates.held) {
    const living = holders(ledger);
    if (living.length > 0) return living.map((seat) => attachedHolder(ledger, seat));
    // Somebody wrote over what its seat said.
    if (ledger.overwrittenSeat() !== 0) return [{ ...foreign, attachment: "attached" }];
    return [recordedHolder(ledger, "stale")];
  }
  if (unit.value > 0) return [];
  if (ledger.read(header, headerWords.notedHash) !== unit.infoHash()) return [foreign];
  if (state === lockStates.detached) {
    const owner = ledger.read(header, headerWords.boundProcess);
    if (owner === 0) return [{ ...recordedHolder(ledger, "detached"), pid: null }];
    const attachment = isOwnerDead(ledger) ? "stale" : "bound";
    return [{ ...recordedHolder(ledger, attachment), pid: owner }];
  }
  // Free, as far as anybody wrote: somebody died between two steps, or is between them.
  const waking = seatAtSemaphore(ledger, 0);
  if (waking !== 0) return [attachedHolder(ledger, waking)];
  return [{ ...foreign, attachment: "stale" }];
}

/** Whom the record names, without a process that holds. */
function recordedHolder(ledger: Ledger, attachment: Attachment): HolderStatus {
  const seat = recordedSeat(ledger);
  return {
    pid: seat === 0 ? null : ledger.read(seat, seatWords.process),
    command: seat === 0 ? "" : ledger.readMessage(seat),
    since: ledger.readWide(header, headerWords.grantedAt) / 1e6,
    kind: seat === 0 ? "exclusive" : (kindNames[ledger.read(seat, seatWords.kind)] ?? "exclusive"),
    attachment,
    token: ledger.readWide(header, headerWords.token),
    slot: null,
    slots: null,
  };
}

function attachedHolder(ledger: Ledger, seat: number): HolderStatus {
  const participant = participantOf(ledger, seat);
  const isInSlot = participant.kind === "slots";
  return {
    ...participant,
    since: ledger.readWide(seat, seatWords.grantedAt) / 1e6 || participant.since,
    attachment: "attached",
    token: ledger.readWide(seat, seatWords.token),
    slot: isInSlot ? ledger.read(seat, seatWords.slot) : null,
    slots: isInSlot ? ledger.read(seat, seatWords.slots) : null,
  };
}

/** A peer's hold: nothing is known of it but the info text. */
const foreign: HolderStatus = {
  pid: null,
  command: "",
  since: null,
  kind: "exclusive",
  attachment: "foreign",
  token: null,
  slot: null,
  slots: null,
};
