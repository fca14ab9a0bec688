/** Leases: keys that are bound to one are deleted when nobody has renewed it in time. */
import { LockServerError } from "../lock/errors.ts";
import type { CallLimits, Gateway } from "./gateway.ts";
import { type JsonObject, numberIn } from "./json.ts";

/** Tells the seconds of CLOCK_BOOTTIME, which also runs while the machine is suspended. */
export type Clock = () => number;

/** How long a lease lasts without a renewal, unless --ttl says otherwise. */
export const defaultTtlSeconds = 15;
/** The longest that etcd takes: 285 years. For a hold without a process, that only `unget` ends. */
export const endlessTtlSeconds = 9_000_000_000;

export interface Lease {
  /** In decimal digits. */
  readonly id: string;
  /** What the server granted, which may be more than was asked for. */
  readonly ttlSeconds: number;
  /** When the request for it was sent: the server counts from a later moment. */
  readonly sentAt: number;
}

/** Chooses the ID of a lease here, so that a request whose answer was lost can be repeated. */
function newLeaseId(): string {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  // Positive, and not 0, which would let etcd choose.
  return String((random & 0x7fff_ffff_ffff_ffffn) | 1n);
}

export async function grantLease(
  gateway: Gateway,
  ttlSeconds: number,
  clock: Clock,
  limits: CallLimits = {},
): Promise<Lease> {
  const id = newLeaseId();
  const sentAt = clock();
  try {
    const { message } = await gateway.call(
      "lease/grant",
      { TTL: String(ttlSeconds), ID: id },
      limits,
    );
    return { id, sentAt, ttlSeconds: ttlIn(message, "TTL") };
  } catch (error) {
    if (!(error instanceof LockServerError) || error.fault !== "leaseExists") throw error;
    // An earlier sending made it. What TTL that one was granted stands in the lost answer, so it is asked for.
    const { message } = await gateway.call("lease/timetolive", { ID: id }, limits);
    return { id, sentAt, ttlSeconds: ttlIn(message, "grantedTTL") };
  }
}

function ttlIn(message: JsonObject, field: string): number {
  const seconds = numberIn(message, field);
  if (seconds > 0) return seconds;
  throw new LockServerError("corrupt", "Cannot use a lease of the lock server: it ends at once");
}

/** Ends a lease now, and with it its keys. One that is gone already is no error. */
export async function revokeLease(
  gateway: Gateway,
  id: string,
  limits: CallLimits = {},
): Promise<void> {
  try {
    await gateway.call("lease/revoke", { ID: id }, limits);
  } catch (error) {
    if (!(error instanceof LockServerError) || error.fault !== "leaseGone") throw error;
  }
}

/**
 * Asks the leader for a renewal.
 *
 * That alone proves nothing: a leader that was deposed without having noticed renews too. See renewal.ts.
 *
 * @returns the term of the leader that renewed it, or undefined when it says that the lease is gone
 */
export async function keepLeaseAlive(
  gateway: Gateway,
  id: string,
  limits: CallLimits,
): Promise<{ raftTerm: number } | undefined> {
  const { message, header } = await gateway.call("lease/keepalive", { ID: id }, limits);
  // proto3 leaves out a 0.
  return numberIn(message, "TTL") > 0 ? { raftTerm: header.raftTerm } : undefined;
}
