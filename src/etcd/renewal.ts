/**
 * The renewal of a lease that holds locks.
 *
 * A leader that was deposed, or cut off from the others, and has not noticed yet, still says "renewed" (etcd-io/etcd
 * issues 12528 and 15247). So a renewal counts only when a read that a majority confirmed, sent after it was answered,
 * finds the keys of the holds in the same raft term: then the leader that renewed was still the leader. That of a waiter,
 * which has no such key, is only answered: it counts once a grant confirms it, see Session.ensureFresh().
 */
import type { CallLimits, Gateway } from "./gateway.ts";
import { type Clock, keepLeaseAlive } from "./lease.ts";
import { operation, readKeyValues, responsesIn, transaction } from "./requests.ts";

/** A key whose place holds a lock. */
export interface HeldKey {
  readonly key: string;
  readonly createRevision: number;
}

export type Renewal =
  | { readonly outcome: "renewed"; readonly sentAt: number }
  /** By the leader of that term, as it says; nobody has confirmed it. */
  | { readonly outcome: "answered"; readonly sentAt: number; readonly raftTerm: number }
  /** The term changed between the two requests: nothing is known, try again. */
  | { readonly outcome: "unconfirmed" }
  | { readonly outcome: "lease-gone" }
  /** The lease seems to be there, but these keys are not. */
  | { readonly outcome: "keys-gone"; readonly keys: readonly HeldKey[] };

/** @throws {LockServerError} if no member answers in time */
export async function renewLease(
  gateway: Gateway,
  { leaseId, held }: { leaseId: string; held: readonly HeldKey[] },
  clock: Clock,
  limits: CallLimits,
): Promise<Renewal> {
  const sentAt = clock();
  const kept = await keepLeaseAlive(gateway, leaseId, limits);
  if (kept === undefined) return { outcome: "lease-gone" };
  const { raftTerm } = kept;
  if (held.length === 0) return { outcome: "answered", sentAt, raftTerm };
  // Ranges, and not comparisons alone: etcd answers a transaction without a range from one member's memory.
  const read = transaction({ compare: [], success: held.map(({ key }) => operation.get({ key })) });
  const { message, header } = await gateway.call("kv/txn", read, limits);
  if (header.raftTerm !== raftTerm) return { outcome: "unconfirmed" };
  const found = responsesIn(message).map((response) => readKeyValues(response)[0]);
  const gone = held.filter(
    ({ createRevision }, index) => found[index]?.createRevision !== createRevision,
  );
  return gone.length === 0 ? { outcome: "renewed", sentAt } : { outcome: "keys-gone", keys: gone };
}
