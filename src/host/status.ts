/** Who holds a lock and who waits, as the ledger and the semaphore tell. */
import { lockStates } from "./ledger/layout.ts";
import { hasKindFlag, seatKind, slotsOf } from "./ledger/seat-words.ts";
import type { LedgerSnapshot, ReadableLedger } from "./ledger/ledger-reader.ts";
import type { LockUnit } from "./objects/unit.ts";
import { holders, isHolding, kindNames, seatAtSemaphore, waiters } from "./ledger/queue.ts";
import { boundLabel, isOwnerDead, processLabel, processOf } from "./ledger/process-number.ts";
import { dateOf } from "./ledger/seat-time.ts";
import { endedByRelease, hasWaiterMark, isOwnUnit, recordedSeat } from "./ledger/record.ts";
import type {
  Attachment,
  HolderStatus,
  LockCondition,
  LockStatus,
  ParticipantStatus,
} from "../lock/status.ts";

/**
 * The condition of a lock that is whole. Without a holder it is free, also where its semaphore stands at 0: the last
 * holder ended by a release, and whoever takes part next takes the unit over at once.
 */
export function conditionOf({ holders: all }: LockStatus): LockCondition {
  if (all.some(({ attachment }) => attachment === "stale")) return "stale";
  return all.length === 0 ? "free" : "held";
}

/** What of a lock's unit tells how it is held. */
export type UnitState = Pick<
  LockUnit,
  "readValue" | "readMark" | "readWaiterMark" | "infoHash" | "stampAsRead"
>;

/** @param ledger undefined where there is none yet */
export function statusOf(ledger: ReadableLedger | undefined, unit: UnitState): LockStatus {
  if (ledger === undefined) {
    return {
      holders: unit.readValue() === 0 ? [foreign] : [],
      waiters: [],
      grants: 0,
      recoveries: 0,
    };
  }
  return ledger.snapshot((state) => statusIn(state, unit));
}

/** The same, of a ledger that was read already. */
export function statusIn(ledger: LedgerSnapshot, unit: UnitState): LockStatus {
  return {
    holders: holdersOf(ledger, unit),
    waiters: waiters(ledger).map((seat) => participantInSeat(ledger, seat)),
    grants: ledger.header.grants,
    recoveries: ledger.header.recoveries,
    ...leavingIn(ledger),
  };
}

/** The holders that were asked to leave. */
function leavingIn(ledger: LedgerSnapshot): Pick<LockStatus, "leaving"> {
  // The flag first: hardly anybody has it, and whether a holder lives is a question to the kernel.
  const asked = ledger.taken.filter((number) => {
    const seat = ledger.seat(number);
    return hasKindFlag(seat, "askedToLeave") && isHolding(seat) && ledger.isLive(number);
  });
  return asked.length === 0 ? {} : { leaving: asked.map((seat) => ledger.seat(seat).token) };
}

function participantInSeat(ledger: LedgerSnapshot, seat: number): ParticipantStatus {
  return {
    ...processLabel(processOf(ledger.seat(seat))),
    command: ledger.seat(seat).message,
    since: dateOf(ledger.seat(seat), ledger.seat(seat).since),
    kind: kindNames[seatKind(ledger.seat(seat))] ?? "exclusive",
  };
}

/** Who holds a lock, as a ledger that was read already says. */
export function holdersOf(ledger: LedgerSnapshot, unit: UnitState): HolderStatus[] {
  const state = ledger.header.state;
  if (state === lockStates.held) {
    const living = holders(ledger);
    if (living.length > 0) return living.map((seat) => attachedHolder(ledger, seat));
    // Somebody wrote over what its seat said.
    if (ledger.overwrittenSeat() !== 0) return [{ ...foreign, attachment: "attached" }];
    if (endedByRelease(ledger)) return [];
    const number = recordedSeat(ledger);
    const label = number === 0 ? { pid: null } : processLabel(processOf(ledger.seat(number)));
    return [{ ...label, ...recordedHold(ledger, "stale") }];
  }
  if (unit.readValue() > 0) return [];
  if (!isOwnUnit(ledger, unit, unit.infoHash())) return [foreign];
  if (state === lockStates.detached && !hasWaiterMark(ledger.header, unit)) {
    const owner = ledger.header.boundProcess;
    if (owner === 0) return [{ pid: null, ...recordedHold(ledger, "detached") }];
    const attachment = isOwnerDead(ledger.header) ? "stale" : "bound";
    return [{ ...boundLabel(ledger.header), ...recordedHold(ledger, attachment) }];
  }
  // Free, as far as anybody wrote: somebody died between two steps, or is between them.
  const waking = seatAtSemaphore(ledger, 0);
  if (waking !== 0) return [attachedHolder(ledger, waking)];
  return [{ ...foreign, attachment: "stale" }];
}

/** The hold that the record names, without its process. */
function recordedHold(ledger: LedgerSnapshot, attachment: Attachment): Omit<HolderStatus, "pid"> {
  const seat = recordedSeat(ledger);
  return {
    command: seat === 0 ? "" : ledger.seat(seat).message,
    since:
      seat === 0
        ? ledger.header.grantedAt / 1e6
        : dateOf(ledger.seat(seat), ledger.seat(seat).grantedAt),
    kind: seat === 0 ? "exclusive" : (kindNames[seatKind(ledger.seat(seat))] ?? "exclusive"),
    attachment,
    token: ledger.header.token,
    slot: null,
    slots: null,
  };
}

function attachedHolder(ledger: LedgerSnapshot, seat: number): HolderStatus {
  const participant = participantInSeat(ledger, seat);
  const isInSlot = participant.kind === "slots";
  return {
    ...participant,
    since: dateOf(ledger.seat(seat), ledger.seat(seat).grantedAt) ?? participant.since,
    attachment: "attached",
    token: ledger.seat(seat).token,
    slot: isInSlot ? ledger.seat(seat).slot : null,
    ...slotNameOf(ledger.seat(seat)),
    slots: isInSlot ? slotsOf(ledger.seat(seat)) : null,
  };
}

/** The name of a seat's slot, if it has one. */
export function slotNameOf({ slotName }: { readonly slotName: string }): { slotName?: string } {
  return slotName === "" ? {} : { slotName };
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
