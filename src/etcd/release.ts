/** Taking a place out of its queue, with a record of how it ended. */
import { LockServerError } from "../lock/errors.ts";
import type { EntryValue } from "./entry.ts";
import type { CallLimits, Gateway, Reply } from "./gateway.ts";
import { type HoldEnd, formatRecord } from "./history.ts";
import type { JsonObject } from "./json.ts";
import { historyKeys } from "./keys.ts";
import type { HeldKey } from "./renewal.ts";
import { compare, operation, transaction } from "./requests.ts";

/** A place and the lock in whose queue it is. */
interface NamedPlace extends HeldKey {
  readonly name: string;
  /** What it said of itself; undefined for that of another program, which has no record. */
  readonly value: EntryValue | undefined;
}

/**
 * Deletes a place, if it is still the one that was granted.
 *
 * @returns the reply of a transaction: `succeeded` tells whether this request deleted it
 */
export async function removePlace(
  gateway: Gateway,
  { name, key, createRevision, value }: NamedPlace,
  ending: Omit<HoldEnd, "key" | "ended">,
  limits: CallLimits = {},
): Promise<Reply> {
  const send = (more: readonly JsonObject[]) =>
    gateway.call(
      "kv/txn",
      transaction({
        compare: [compare.wasCreatedAt(key, createRevision)],
        success: [operation.delete(key), ...more],
      }),
      limits,
    );
  if (value === undefined) return await send([]);
  const record = formatRecord(value, { ...ending, key, ended: Date.now() / 1000 });
  try {
    return await send([operation.put(historyKeys.of(name), record, "0")]);
  } catch (error) {
    // A user whose rights end at the lock itself, or a server without space: the release matters more.
    const isRefused =
      error instanceof LockServerError && ["denied", "noSpace"].includes(error.fault);
    if (isRefused) return await send([]);
    throw error;
  }
}
