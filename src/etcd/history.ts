/**
 * The history of a lock: each release writes one record to one key, and etcd keeps its earlier versions until the
 * cluster compacts them. So there is nothing to write in turn, and nothing that grows.
 */
import { LockServerError } from "../lock/errors.ts";
import type { GrantRecord } from "../lock/status.ts";
import {
  type Entry,
  type EntryValue,
  formatEntry,
  entrySlotName,
  holderOf,
  parseEntry,
  shownMessage,
} from "./entry.ts";
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
  readonly ending: "released" | "forced" | "replaced";
  /** Who forced or replaced it. */
  readonly by?: string | undefined;
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
    if (outcome !== "released" && outcome !== "forced" && outcome !== "replaced") return undefined;
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

/** As many records are read: a cluster that is never compacted keeps all there ever were. */
const maxRecords = 1000;

export interface HistoryLimits extends CallLimits {
  /** Only records that were written at this revision or later. */
  readonly since?: number | undefined;
  /** How many records at most, the newest ones. */
  readonly max?: number | undefined;
}

/** The records of a lock, the oldest first: as many as the cluster has kept, within limits. */
export async function readHistory(
  gateway: Gateway,
  name: string,
  { since = 1, max = maxRecords, ...limits }: HistoryLimits = {},
): Promise<StoredRecord[]> {
  const keys = { key: historyKeys.of(name) };
  const { message, header } = await gateway.call("kv/range", range(keys), limits);
  const [newest] = keyValuesIn(message);
  if (newest === undefined) return [];
  if (max === 1) return [parseRecord(newest)].filter((record) => record !== undefined);
  const stop = new AbortController();
  const records: StoredRecord[] = [];
  const oldest = await revisionOfVersion(gateway, newest, newest.version - max + 1, limits);
  let from = Math.max(since, oldest);
  // A server that stops in the middle must not hold the caller up.
  const limit = setTimeout(() => stop.abort(timedOut()), (limits.seconds ?? 10) * 1000);
  try {
    while (from <= newest.modRevision) {
      // In fragments, as a thousand records in one message would be too long.
      const start = { ...rangeOf(keys), start_revision: String(from), fragment: true };
      const request = { create_request: start };
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

/** Finds the revision that wrote a version of a key, or for one that is not kept any more, the first one that is. */
async function revisionOfVersion(
  gateway: Gateway,
  newest: KeyValue,
  version: number,
  limits: CallLimits,
): Promise<number> {
  let low = newest.createRevision;
  if (version <= 1) return low;
  // The version that was current at `high` is not older than the one that is looked for.
  for (let high = newest.modRevision; low < high;) {
    const middle = Math.floor((low + high) / 2);
    const current = await keyAt(gateway, newest.key, middle, limits);
    if (current === undefined || current.version < version) low = middle + 1;
    else high = current.modRevision;
  }
  return low;
}

/** A key as it was at a revision; undefined for one that is not kept any more. */
async function keyAt(
  gateway: Gateway,
  key: string,
  revision: number,
  limits: CallLimits,
): Promise<KeyValue | undefined> {
  try {
    const request = { ...range({ key }), revision: String(revision) };
    return keyValuesIn((await gateway.call("kv/range", request, limits)).message)[0];
  } catch (error) {
    if (error instanceof LockServerError && error.fault === "compacted") return undefined;
    throw error;
  }
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
  by,
  exitStatus,
}: StoredRecord): GrantRecord {
  return {
    pid: value.pid,
    command: shownMessage(value.message),
    host: shownMessage(value.host),
    kind: value.kind,
    slot: value.slot ?? null,
    ...entrySlotName(value),
    token,
    queued: value.since,
    granted: value.granted ?? null,
    ended,
    ending,
    by: by ?? null,
    exitStatus: exitStatus ?? null,
  };
}

/** A place that is still there, as a record of the history; undefined for one of another program. */
export function presentRecord(entry: Entry): GrantRecord | undefined {
  const { value } = entry;
  if (value === undefined) return undefined;
  const holder = holderOf(entry);
  const isHeld = value.granted !== undefined;
  return {
    pid: holder.pid,
    command: holder.command,
    host: value.host,
    kind: value.kind,
    slot: holder.slot,
    ...entrySlotName(value),
    token: isHeld ? holder.token : null,
    queued: value.since,
    granted: value.granted ?? null,
    ended: null,
    ending: isHeld ? (value.attachment === "detached" ? "detached" : "held") : "waiting",
    by: null,
    exitStatus: null,
  };
}
