/** The last grants of a lock: the seats of its ledger keep what they said when they are left. */
import {
  header,
  headerWords,
  type Ledger,
  lockStates,
  seatStates,
  seatWords,
} from "./ledger/ledger.ts";
import { holders, kindNames, kinds } from "./ledger/queue.ts";
import { isOwnerDead, recordedSeat } from "./ledger/record.ts";
import type { GrantRecord } from "../lock/status.ts";

/** @param ledger undefined where there is none yet */
export function historyOf(ledger: Ledger | undefined): GrantRecord[] {
  if (ledger === undefined) return [];
  return ledger.transact(() => {
    const records: GrantRecord[] = [];
    for (let seat = 1; seat <= ledger.seats; seat++) {
      if (ledger.readWide(seat, seatWords.since) !== 0) records.push(recordOf(ledger, seat));
    }
    return records.toSorted(
      (one, other) => (one.granted ?? one.queued) - (other.granted ?? other.queued),
    );
  });
}

function recordOf(ledger: Ledger, seat: number): GrantRecord {
  const kind = ledger.read(seat, seatWords.kind);
  const token = ledger.readWide(seat, seatWords.token);
  return {
    pid: ledger.read(seat, seatWords.process),
    command: ledger.readMessage(seat),
    kind: kindNames[kind] ?? "exclusive",
    slot: kind === kinds.slots && token !== 0 ? ledger.read(seat, seatWords.slot) : null,
    token: token || null,
    queued: ledger.readWide(seat, seatWords.since) / 1e6,
    granted: ledger.readWide(seat, seatWords.grantedAt) / 1e6 || null,
    ended: ledger.readWide(seat, seatWords.endedAt) / 1e6 || null,
    ending: endingOf(ledger, seat),
  };
}

function endingOf(ledger: Ledger, seat: number): GrantRecord["ending"] {
  const state = ledger.read(seat, seatWords.state);
  if (state === seatStates.released) return "released";
  if (state === seatStates.forced) return "forced";
  if (state === seatStates.recovered) return "recovered";
  if (state === seatStates.detached) return isOwnerDead(ledger) ? "stale" : "detached";
  if (state === seatStates.holding) {
    if (ledger.read(seat, seatWords.evicted) !== 0) return "forced";
    if (ledger.isLive(seat)) return "held";
    const isRecorded =
      ledger.read(header, headerWords.state) === lockStates.held && recordedSeat(ledger) === seat;
    // Where others of its group live, its place was free at once.
    return isRecorded && holders(ledger).length === 0 ? "stale" : "recovered";
  }
  return ledger.isLive(seat) && state !== seatStates.lapsed ? "waiting" : "lapsed";
}
