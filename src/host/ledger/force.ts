/** Forced release: of any hold, or of one that is meant. */
import { faultPoint } from "../../posix/fault-point.ts";
import type { LockUnit } from "../objects/unit.ts";
import { lockStates } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import type { HolderStatus } from "../../lock/status.ts";
import { boundLabel, isHoldOf, processLabel, processOf } from "./process-number.ts";
import { holders } from "./queue.ts";
import { evict, evictAllAndMarkFree, passRecordTo, recordedSeat } from "./record.ts";
import { dateOf } from "./seat-time.ts";

/** The hold that a forced release is for; without either it is for any. */
export interface MeantHold {
  /** The one with this token. */
  readonly token?: number | undefined;
  /** The one of this process, or that is bound to it. */
  readonly process?: number | undefined;
}

export interface ForcedReleaseOptions extends MeantHold {
  /** The process that does it, for the holder to know. */
  readonly by: number;
  /** Looks at what is there, in the step that releases it. */
  readonly onLook?: ((ledger: Ledger) => void) | undefined;
}

/**
 * Releases a lock whoever holds it; a holder that is hit goes on without the lock.
 *
 * @returns whether it was released, was free, or is not held by the one that is meant; "replaced" where the ledger has
 * lost its name: another one tells who holds
 */
export function forceRelease(
  ledger: Ledger,
  unit: LockUnit,
  { by, onLook, ...meant }: ForcedReleaseOptions,
): "released" | "free" | "not-meant" | "replaced" {
  return ledger.transact(() => {
    if (!ledger.fileHasName()) return "replaced";
    // Who holds by this ledger has the unit of the semaphore that has the name by now.
    unit.reopenIfReplaced({ now: true });
    onLook?.(ledger);
    faultPoint("looked");
    const { state } = ledger.header;
    const isThere = unit.readValue() > 0;
    if (state === lockStates.free && isThere) return "free";
    if (meant.token !== undefined || meant.process !== undefined) {
      const spared = evictMeant(ledger, meant, by);
      if (spared !== undefined) return spared ? "released" : "not-meant";
    }
    evictAllAndMarkFree(ledger, unit, { givesBack: true, by });
    // That of a waiter who died with the unit that is posted now.
    if (unit.readValue() === 0) unit.setWaiterMark(0);
    unit.postIfLocked();
    return state === lockStates.held || !isThere ? "released" : "free";
  });
}

/**
 * Evicts only those that are meant, where others hold too.
 *
 * @returns whether any was; undefined where there are no others, so that the whole lock is released
 */
function evictMeant(ledger: Ledger, meant: MeantHold, by: number): boolean | undefined {
  const { header } = ledger;
  if (header.state === lockStates.free) return false;
  if (header.state === lockStates.detached) {
    const { pid } = boundLabel(header);
    const isIt = isMeant({ token: header.token, pid, since: null, attachment: "bound" }, meant);
    return isIt ? undefined : false;
  }
  const living = holders(ledger);
  const all = living.length > 0 ? living : [recordedSeat(ledger)];
  const hit = all.filter((number) => {
    const seat = ledger.seat(number);
    const { pid } = processLabel(processOf(seat));
    const since = dateOf(seat, seat.grantedAt);
    return isMeant({ token: seat.token, pid, since, attachment: "attached" }, meant);
  });
  if (hit.length === 0) return false;
  const other = living.find((number) => !hit.includes(number));
  if (other === undefined) return undefined;
  if (hit.includes(header.holderSeat)) passRecordTo(ledger, other);
  for (const number of hit) evict(ledger, number, by);
  return true;
}

/** Whether a hold is meant: of another PID namespace no process can be. */
export function isMeant(
  hold: Pick<HolderStatus, "token" | "pid" | "since" | "attachment">,
  meant: MeantHold,
): boolean {
  return (
    (meant.token === undefined || hold.token === meant.token) &&
    (meant.process === undefined || isHoldOf(hold, meant.process))
  );
}
