/** Who holds a lock and who waits, as the ledger and the semaphore tell. */
import { header, headerWords, type Ledger, lockStates, seatStates, seatWords } from "./ledger.ts";
import type { LockUnit } from "./lock-unit.ts";
import { isOwnerDead, kinds } from "./participant.ts";

/**
 * How a lock is held: by a living participant; detached, with no process; bound to a process; by a peer that
 * knows no ledger; or by one that died, so that the next waiter adopts it.
 */
export type Attachment = "attached" | "detached" | "bound" | "foreign" | "stale";

/** A participant, as others see it. */
export interface ParticipantStatus {
  /** Its process; null for a peer's and for a detached hold. */
  pid: number | null;
  /** The first bytes of its message, the command line by default. */
  command: string;
  /** Since when it holds or waits, in seconds since 1970; null where nobody knows. */
  since: number | null;
  kind: "exclusive" | "shared" | "slots";
}

export interface HolderStatus extends ParticipantStatus {
  attachment: Attachment;
  /** The fencing token; null for a peer's hold. */
  token: number | null;
  /** The number of its slot; null where there are none. */
  slot: number | null;
}

export interface LockStatus {
  holders: HolderStatus[];
  /** In the order in which they will be served. */
  waiters: ParticipantStatus[];
}

/** What of a lock's unit tells how it is held. */
export type UnitState = Pick<LockUnit, "value" | "infoHash">;

/** @param ledger undefined where there is none yet */
export function statusOf(ledger: Ledger | undefined, unit: UnitState): LockStatus {
  if (ledger === undefined) {
    return { holders: unit.value === 0 ? [foreign(null)] : [], waiters: [] };
  }
  return ledger.transact(() => statusUnderMutex(ledger, unit));
}

/** The same, for who has the ledger's mutex. */
export function statusUnderMutex(ledger: Ledger, unit: UnitState): LockStatus {
  const seats = liveSeats(ledger);
  const inState = (state: number) =>
    seats.filter((seat) => ledger.read(seat, seatWords.state) === state);
  const waiters = inState(seatStates.waiting)
    .toSorted(
      (one, other) =>
        ledger.readWide(one, seatWords.ticket) - ledger.readWide(other, seatWords.ticket),
    )
    .map((seat) => participantOf(ledger, seat));
  return { holders: holdersOf(ledger, unit, inState(seatStates.holding)), waiters };
}

function liveSeats(ledger: Ledger): number[] {
  const seats = Array.from({ length: ledger.seats }, (_, index) => index + 1);
  return seats.filter((seat) => ledger.isLive(seat));
}

const kindNames = ["exclusive", "shared", "slots"] as const;

function participantOf(ledger: Ledger, seat: number): ParticipantStatus {
  return {
    pid: ledger.read(seat, seatWords.process),
    command: ledger.readMessage(seat),
    since: ledger.readWide(seat, seatWords.since) / 1e6,
    kind: kindNames[ledger.read(seat, seatWords.kind)] ?? "exclusive",
  };
}

function holdersOf(ledger: Ledger, unit: UnitState, holding: readonly number[]): HolderStatus[] {
  const state = ledger.read(header, headerWords.state);
  const token = ledger.readWide(header, headerWords.token);
  const since = ledger.readWide(header, headerWords.grantedAt) / 1e6;
  const none = { kind: "exclusive", token, slot: null, since } as const;
  if (state === lockStates.held) {
    if (holding.length > 0) return holding.map((seat) => attachedHolder(ledger, seat));
    const seat = ledger.read(header, headerWords.holderSeat);
    const [pid, command] = [ledger.read(seat, seatWords.process), ledger.readMessage(seat)];
    return [{ ...none, pid, command, attachment: "stale" }];
  }
  if (unit.value > 0) return [];
  const noted = ledger.read(header, headerWords.notedHash) === unit.infoHash();
  if (!noted) return [foreign(null)];
  // Free, as far as anybody wrote: its holder died between two steps, or is between them.
  if (state === lockStates.free) {
    return [{ ...none, pid: null, command: "", token: null, since: null, attachment: "stale" }];
  }
  const pid = ledger.read(header, headerWords.boundProcess);
  if (pid === 0) return [{ ...none, pid: null, command: "", attachment: "detached" }];
  return [{ ...none, pid, command: "", attachment: isOwnerDead(ledger) ? "stale" : "bound" }];
}

function attachedHolder(ledger: Ledger, seat: number): HolderStatus {
  const participant = participantOf(ledger, seat);
  return {
    ...participant,
    attachment: "attached",
    token: ledger.readWide(seat, seatWords.token),
    slot:
      ledger.read(seat, seatWords.kind) === kinds.slots ? ledger.read(seat, seatWords.slot) : null,
  };
}

function foreign(since: number | null): HolderStatus {
  return {
    pid: null,
    command: "",
    since,
    kind: "exclusive",
    attachment: "foreign",
    token: null,
    slot: null,
  };
}
