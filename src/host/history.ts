/** The last grants of a lock: the seats of its ledger keep what they said when they are left. */
import { lockStates, seatStates } from "./ledger/layout.ts";
import { hasKindFlag, seatExitStatus, seatKind } from "./ledger/seat-words.ts";
import type { LedgerSnapshot, ReadableLedger } from "./ledger/ledger-reader.ts";
import { evictorLabel, isOwnerDead, processLabel, processOf } from "./ledger/process-number.ts";
import { dateOf } from "./ledger/seat-time.ts";
import { holders, isEvicted, kindNames, kinds } from "./ledger/queue.ts";
import { recordedSeat } from "./ledger/record.ts";
import { type GrantRecord, pidText } from "../lock/status.ts";
import { slotNameOf } from "./status.ts";

/** @param ledger undefined where there is none yet */
export function historyOf(ledger: ReadableLedger | undefined): GrantRecord[] {
  if (ledger === undefined) return [];
  return ledger.snapshot((state) => {
    const records: GrantRecord[] = [];
    for (let seat = 1; seat <= state.seats; seat++) {
      if (state.seat(seat).since !== 0) records.push(recordOf(state, seat));
    }
    return records.toSorted(
      (one, other) => (one.granted ?? one.queued) - (other.granted ?? other.queued),
    );
  });
}

/** The endings of which a seat names the process; a holder that was asked to leave may also die before it has left. */
const endedByOthers: ReadonlySet<GrantRecord["ending"]> = new Set([
  "forced",
  "replaced",
  "superseded",
]);

function recordOf(ledger: LedgerSnapshot, number: number): GrantRecord {
  const seat = ledger.seat(number);
  const { token } = seat;
  const kind = seatKind(seat);
  const ending = endingOf(ledger, number);
  return {
    ...processLabel(processOf(seat)),
    command: seat.message,
    kind: kindNames[kind] ?? "exclusive",
    slot: kind === kinds.slots && token !== 0 ? seat.slot : null,
    ...slotNameOf(seat),
    token: token || null,
    queued: dateOf(seat, seat.since) ?? 0,
    granted: dateOf(seat, seat.grantedAt),
    ended: dateOf(seat, seat.endedAt),
    ending,
    by: endedByOthers.has(ending) ? (pidText(evictorLabel(seat)) ?? null) : null,
    exitStatus: seatExitStatus(seat),
  };
}

function endingOf(ledger: LedgerSnapshot, seat: number): GrantRecord["ending"] {
  const { state } = ledger.seat(seat);
  const isAsked = hasKindFlag(ledger.seat(seat), "askedToLeave");
  if (state === seatStates.released) return isAsked ? "replaced" : "released";
  if (state === seatStates.forced) return "forced";
  if (state === seatStates.recovered) return "recovered";
  if (state === seatStates.detached) return isOwnerDead(ledger.header) ? "stale" : "detached";
  if (state === seatStates.holding) {
    if (isEvicted(ledger.seat(seat))) return "forced";
    if (ledger.isLive(seat)) return "held";
    if (hasKindFlag(ledger.seat(seat), "endsByRelease")) return "released";
    const isRecorded = ledger.header.state === lockStates.held && recordedSeat(ledger) === seat;
    // Where others of its group live, its place was free at once.
    return isRecorded && holders(ledger).length === 0 ? "stale" : "recovered";
  }
  if (isAsked) return "superseded";
  if (ledger.isLive(seat) && state !== seatStates.lapsed) return "waiting";
  if (hasKindFlag(ledger.seat(seat), "crowded")) return "crowded";
  return hasKindFlag(ledger.seat(seat), "deadlocked") ? "deadlock" : "lapsed";
}
