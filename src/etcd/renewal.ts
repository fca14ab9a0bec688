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

/** As many as a transaction of etcd may have, unless its `--max-txn-ops` says otherwise. */
const maxOperations = 128;

/** A key whose place holds a lock. */
export interface HeldKey {
  readonly key: string;
  readonly createRevision: number;
}

export type Renewal =
  | { readonly outcome: "renewed"; readonly sentAt: number }
  /** By the leader of that term, as it says; nobody has confirmed it. */
  | { readonly outcome: "answered"; readonly sentAt: number; readonly raftTerm: number }
  /** The two answers contradict each other, or came in two terms: nothing is known, try again. */
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
  if (held.length === 0) {
    return kept === undefined
      ? { outcome: "lease-gone" }
      : { outcome: "answered", sentAt, ...kept };
  }
  const { gone, raftTerms } = await lookForKeys(gateway, held, limits);
  // A leader that is new says that there is no such lease while it has not heard of it yet (etcd issue 13675). Where a
  // key is, its lease is too.
  const isKeyThere = gone.length < held.length;
  if (kept === undefined) return { outcome: isKeyThere ? "unconfirmed" : "lease-gone" };
  if (raftTerms.some((term) => term !== kept.raftTerm)) return { outcome: "unconfirmed" };
  return gone.length === 0 ? { outcome: "renewed", sentAt } : { outcome: "keys-gone", keys: gone };
}

/** Reads, by a majority, which of the keys are gone. */
async function lookForKeys(gateway: Gateway, held: readonly HeldKey[], limits: CallLimits) {
  const gone: HeldKey[] = [];
  const raftTerms: number[] = [];
  for (let start = 0; start < held.length; start += maxOperations) {
    const part = held.slice(start, start + maxOperations);
    // Ranges, and not comparisons alone: etcd answers a transaction without a range from one member's memory.
    const read = part.map(({ key }) => operation.get({ key }));
    const request = transaction({ compare: [], success: read });
    const { message, header } = await gateway.call("kv/txn", request, limits);
    raftTerms.push(header.raftTerm);
    const found = responsesIn(message).map((response) => readKeyValues(response)[0]);
    gone.push(...part.filter((key, at) => found[at]?.createRevision !== key.createRevision));
  }
  return { gone, raftTerms };
}
