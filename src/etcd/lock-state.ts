/** Looking at locks on a server: one read of a lock's queue, its history and its info text, at one revision. */
import type { LockState } from "../lock/status.ts";
import { LockServerError } from "../lock/errors.ts";
import { tokenOf } from "./entry.ts";
import type { CallLimits, Gateway } from "./gateway.ts";
import { formatGrantInfo } from "./info.ts";
import { parseRecord } from "./history.ts";
import { decodedIn, idIn, objectsIn } from "./json.ts";
import { historyKeys, infoKeys, lockNameOf, queuePrefix } from "./keys.ts";
import { QueueView } from "./queue-view.ts";
import {
  keyValuesIn,
  type KeyValue,
  operation,
  range,
  rangeOf,
  readKeyValues,
  responsesIn,
  transaction,
} from "./requests.ts";

/** A lock at a revision. */
export interface LockLook {
  readonly view: QueueView;
  /** The newest record of its history. */
  readonly history: KeyValue | undefined;
  /** The info text that was written by hand last. */
  readonly info: KeyValue | undefined;
}

export async function lookAt(
  gateway: Gateway,
  name: string,
  limits: CallLimits = {},
): Promise<LockLook> {
  try {
    return await lookAtOnce(gateway, name, limits);
  } catch (error) {
    if (!(error instanceof LockServerError) || error.fault !== "tooLong") throw error;
    return await lookInParts(gateway, name, limits);
  }
}

/** Looks key by key: somebody has put values of megabytes into the queue, which unget is to get rid of. */
async function lookInParts(gateway: Gateway, name: string, limits: CallLimits): Promise<LockLook> {
  const queue = { prefix: queuePrefix(name) };
  const list = { ...range(queue), keys_only: true };
  const { message, header } = await gateway.call("kv/range", list, limits);
  const read = async (key: string) => {
    const one = { ...range({ key }), revision: String(header.revision) };
    return keyValuesIn((await gateway.call("kv/range", one, limits)).message);
  };
  const keys = keyValuesIn(message).map(({ key }) => key);
  const [history, info] = [await read(historyKeys.of(name)), await read(infoKeys.of(name))];
  const view = new QueueView();
  view.load((await mapInParallel(keys, read)).flat(), header.revision);
  return { view, history: history[0], info: info[0] };
}

async function lookAtOnce(gateway: Gateway, name: string, limits: CallLimits): Promise<LockLook> {
  const { message, header } = await gateway.call(
    "kv/txn",
    transaction({
      compare: [],
      success: [
        operation.get({ prefix: queuePrefix(name) }),
        operation.get({ key: historyKeys.of(name) }),
        operation.get({ key: infoKeys.of(name) }),
      ],
    }),
    limits,
  );
  const [queue, history, info] = responsesIn(message).map(readKeyValues);
  const view = new QueueView();
  view.load(queue ?? [], header.revision);
  return { view, history: history?.[0], info: info?.[0] };
}

/** What can be told about a lock; undefined if there is none. */
export function lockStateOf(name: string, look: LockLook): LockState | undefined {
  const { holders, waiters } = look.view.describeAll();
  const isKnown = look.history !== undefined || look.info !== undefined;
  if (holders.length === 0 && waiters.length === 0 && !isKnown) return undefined;
  const granted = holders.filter(({ attachment }) => attachment !== "foreign").length;
  const locked = holders.length > 0;
  return {
    name,
    state: locked ? "held" : "free",
    exists: true,
    locked,
    value: null,
    info: infoOf(look),
    userId: null,
    holders,
    waiters,
    // Each release writes one version of the history.
    grants: (look.history?.version ?? 0) + granted,
    recoveries: 0,
  };
}

/** What a view of its queue alone tells of a lock. */
export function viewedState(name: string, view: QueueView): LockState | undefined {
  return lockStateOf(name, { view, history: undefined, info: undefined });
}

/** The info text of the last grant, or the one that was written by hand after it. */
function infoOf({ view, history, info }: LockLook): string {
  const { value, token } = lastGrant(view, history);
  return info !== undefined && info.modRevision > token ? info.value : formatGrantInfo(value);
}

function lastGrant(view: QueueView, history: KeyValue | undefined) {
  const holder = view.holders.findLast(({ value }) => value !== undefined);
  if (holder !== undefined) return { value: holder.value, token: tokenOf(holder) };
  return (history && parseRecord(history)) ?? { value: undefined, token: 0 };
}

const listSeconds = 10;

/**
 * The names of all locks that are used now or have a history.
 *
 * Locks of `etcdctl` have no other sign than their lease, so all leases are asked for their keys.
 */
export async function lockNames(gateway: Gateway): Promise<string[]> {
  const limits = { seconds: listSeconds };
  const [leases, histories, infos] = await Promise.all([
    gateway.call("lease/leases", {}, limits),
    gateway.call(
      "kv/range",
      { ...rangeOf({ prefix: historyKeys.prefix }), keys_only: true },
      limits,
    ),
    gateway.call("kv/range", { ...rangeOf({ prefix: infoKeys.prefix }), keys_only: true }, limits),
  ]).catch(explainDenied);
  const names = new Set([
    ...keyValuesIn(histories.message).map(({ key }) => historyKeys.nameOf(key)),
    ...keyValuesIn(infos.message).map(({ key }) => infoKeys.nameOf(key)),
  ]);
  const ids = objectsIn(leases.message, "leases").map((lease) => idIn(lease, "ID"));
  for (const keys of await mapInParallel(ids, (id) => keysOfLease(gateway, id))) {
    for (const key of keys) {
      const name = lockNameOf(key);
      if (name !== undefined) names.add(name);
    }
  }
  return [...names].filter((name) => name !== "");
}

async function keysOfLease(gateway: Gateway, id: string): Promise<string[]> {
  const { message } = await gateway.call(
    "lease/timetolive",
    { ID: id, keys: true },
    { seconds: listSeconds },
  );
  const { keys } = message;
  if (!Array.isArray(keys)) return [];
  return keys.map((key: unknown) => decodedIn({ key }, "key"));
}

function explainDenied(error: unknown): never {
  if (!(error instanceof LockServerError) || error.fault !== "denied") throw error;
  throw new LockServerError(
    "denied",
    `Cannot list the locks: the user may not read the leases of the cluster, or the prefix "${historyKeys.prefix}"; for one lock: resourcelock state NAME`,
  );
}

const maxRequestsAtOnce = 16;

/** Calls a function for each item, some of them at once. The results are in the order of the items. */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  call: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await call(item);
  };
  await Promise.all(Array.from({ length: Math.min(maxRequestsAtOnce, items.length) }, work));
  return results;
}
