/**
 * The history of a lock: each release writes one record to one key, and etcd keeps its earlier versions until the
 * cluster compacts them. So there is nothing to write in turn, and nothing that grows.
 */
import { LockServerError } from "../lock/errors.ts";
import type { GrantRecord } from "../lock/status.ts";
import { type EntryValue, formatEntry, parseEntry, shownMessage } from "./entry.ts";
import type { CallLimits, Gateway } from "./gateway.ts";
import { cancelReason } from "./channel.ts";
import { flagIn, idIn, numberIn, objectIn, parseObject, textIn } from "./json.ts";
import { historyKeys } from "./keys.ts";
import { eventsIn, keyValuesIn, type KeyValue, range, rangeOf } from "./requests.ts";

/** How a hold or a wait ended, beside what its place said. */
export interface HoldEnd {
  /** The key of the place. */
  readonly key: string;
  readonly token: number;
  readonly ended: number;
  readonly ending: "released" | "forced";
  /** Who forced it. */
  readonly by?: string;
  readonly exitStatus?: number | undefined;
}

/** A record as it is stored. */
export interface StoredRecord extends HoldEnd {
  readonly value: EntryValue;
}

export function formatRecord(value: EntryValue, ending: HoldEnd): string {
  return formatEntry(value, { ending });
}

/** A record; undefined for what is none. */
export function parseRecord(kv: KeyValue): StoredRecord | undefined {
  const { value } = parseEntry(kv);
  const json = parseObject(kv.value);
  if (value === undefined || json === undefined) return undefined;
  try {
    const ending = objectIn(json, "ending");
    const outcome = textIn(ending, "ending");
    if (outcome !== "released" && outcome !== "forced") return undefined;
    const by = shownMessage(textIn(ending, "by"));
    return {
      value,
      key: textIn(ending, "key"),
      token: numberIn(ending, "token"),
      ended: Number(ending["ended"]) || value.since,
      ending: outcome,
      ...(by === "" ? {} : { by }),
      ...("exitStatus" in ending ? { exitStatus: numberIn(ending, "exitStatus") } : {}),
    };
  } catch (error) {
    // Anybody may write there: what is no record is left out.
    if (error instanceof LockServerError) return undefined;
    throw error;
  }
}

/** The records of a lock, the oldest first: as many as the cluster has kept. */
export async function readHistory(
  gateway: Gateway,
  name: string,
  { since = 1, ...limits }: CallLimits & { since?: number } = {},
): Promise<StoredRecord[]> {
  const keys = { key: historyKeys.of(name) };
  const { message, header } = await gateway.call("kv/range", range(keys), limits);
  const [newest] = keyValuesIn(message);
  if (newest === undefined) return [];
  const stop = new AbortController();
  const records: StoredRecord[] = [];
  let from = Math.max(since, newest.createRevision);
  // A server that stops in the middle must not hold the caller up.
  const limit = setTimeout(() => stop.abort(timedOut()), (limits.seconds ?? 10) * 1000);
  try {
    while (from <= newest.modRevision) {
      const request = { create_request: { ...rangeOf(keys), start_revision: String(from) } };
      from = header.revision + 1;
      const stream = gateway.stream(gateway.preferredEndpoint, "watch", request, stop.signal);
      for await (const { message: part } of stream) {
        if (flagIn(part, "canceled")) {
          if (idIn(part, "compact_revision") === "0") throw refused(cancelReason(part));
          // Versions before this one are gone.
          from = Math.max(numberIn(part, "compact_revision"), 1);
          break;
        }
        const events = eventsIn(part);
        for (const { kv } of events) {
          const record = parseRecord(kv);
          if (record !== undefined) records.push(record);
        }
        if (events.some(({ kv }) => kv.modRevision >= newest.modRevision)) break;
      }
    }
  } finally {
    clearTimeout(limit);
    stop.abort();
  }
  // The versions before the last compaction are gone, but never the one that is there.
  const last = parseRecord(newest);
  if (last !== undefined && records.at(-1)?.token !== last.token) records.push(last);
  return records;
}

function timedOut(): LockServerError {
  return new LockServerError(
    "unavailable",
    "Cannot read the history of the lock: the server does not answer",
  );
}

function refused(reason: string | undefined): LockServerError {
  return new LockServerError(
    "denied",
    `Cannot read the history of the lock: ${reason ?? "refused"}`,
  );
}

/** A record as the contract has it. */
export function grantRecordOf({
  value,
  token,
  ended,
  ending,
  exitStatus,
}: StoredRecord): GrantRecord {
  return {
    pid: value.pid,
    command: shownMessage(value.message),
    host: shownMessage(value.host),
    kind: value.kind,
    slot: value.slot ?? null,
    token,
    queued: value.since,
    granted: value.granted ?? null,
    ended,
    ending,
    exitStatus: exitStatus ?? null,
  };
}
