/**
 * What a newer request does to older ones (--newest, --replace), and when one does not wait (--max-waiters). Pure, on a
 * view of the queue: the older ones see the newer key and leave by themselves, so that nobody writes another one's key.
 */
import { type Entry, participantOf } from "./entry.ts";
import type { Refusal } from "../lock/engine.ts";
import type { QueueEntry } from "../lock/kinds.ts";
import type { QueueView } from "./queue-view.ts";

/** What a request says of how it queues. */
export interface Arrival {
  readonly newest?: boolean | undefined;
  /** Implies `newest`. */
  readonly replace?: boolean | undefined;
  readonly maxWaiters?: number | undefined;
  /** Whether it waited before, and lost its place: whoever waits by now came later. */
  readonly isAnotherTry: boolean;
}

type Refused = Pick<Refusal, "reason" | "by">;

function isYielding({ value }: Entry): boolean {
  return value?.newest === true;
}

/** Whether a request may only enter a queue that was looked at before. */
export function looksFirst({ newest, replace, maxWaiters, isAnotherTry }: Arrival): boolean {
  return maxWaiters !== undefined || (isAnotherTry && (newest === true || replace === true));
}

/** Why a request that is not in the queue yet does not enter it; undefined where it does. */
export function refusalOnArrival(
  view: QueueView,
  own: QueueEntry,
  { newest, replace, maxWaiters = Infinity, isAnotherTry }: Arrival,
): Refused | undefined {
  const supersedes = newest === true || replace === true;
  const yielding = view.waiters.filter(isYielding);
  const newer = yielding.at(-1);
  if (isAnotherTry && supersedes && newer !== undefined) {
    return { reason: "superseded", by: [participantOf(newer)] };
  }
  if (view.wouldHold(own)) return undefined;
  const others = view.waiters.filter((entry) => !(supersedes && isYielding(entry)));
  return others.length < maxWaiters
    ? undefined
    : { reason: "crowded", by: others.map(participantOf) };
}

/** Why a place that waits leaves its queue; undefined where it stays. */
export function refusalInQueue(view: QueueView, own: Entry): Refused | undefined {
  if (!isYielding(own)) return undefined;
  const newer = view.waiters.findLast(
    (entry) => isYielding(entry) && entry.createRevision > own.createRevision,
  );
  return newer && { reason: "superseded", by: [participantOf(newer)] };
}

/**
 * The newer request for which a holder that agreed to be replaced is to leave; undefined for none. Of slots only the
 * holder that came first is.
 */
export function replacerOf(view: QueueView, key: string): Entry | undefined {
  const own = view.find(key);
  if (own?.value?.replace !== true) return undefined;
  return view.waiters.findLast((entry) => {
    if (entry.value?.replace !== true) return false;
    if (own.kind === "slots" && entry.kind === "slots") return isSlotWanted(view, own, entry);
    return own.kind === "exclusive" || entry.kind === "exclusive";
  });
}

/** Whether this is the one of the slots that has to become free. */
function isSlotWanted(view: QueueView, own: Entry, wanting: Entry): boolean {
  if (view.mayHold(wanting)) return false;
  const replaceable = view.holders.find(({ kind, value }) => kind === "slots" && value?.replace);
  return replaceable?.key === own.key;
}
