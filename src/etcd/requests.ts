/** Requests of etcd's key space, and their answers: ranges and transactions. */
import {
  decodedIn,
  encoded,
  encodedKey,
  encodedRangeEnd,
  idIn,
  keyIn,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  textIn,
} from "./json.ts";

/** A key and its value as they are stored. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** The revision that made the key; an update keeps it. */
  readonly createRevision: number;
  /** The revision that wrote it last. */
  readonly modRevision: number;
  /** How often it was written since it was made. */
  readonly version: number;
  /** The ID of its lease; "0" for none. */
  readonly lease: string;
}

function keyValueIn(kv: JsonObject): KeyValue {
  return {
    key: keyIn(kv, "key"),
    value: decodedIn(kv, "value"),
    createRevision: numberIn(kv, "create_revision"),
    modRevision: numberIn(kv, "mod_revision"),
    version: numberIn(kv, "version"),
    lease: idIn(kv, "lease"),
  };
}

/** One key, or all keys that begin with a prefix. */
export type Keys = { readonly key: string } | { readonly prefix: string };

export function rangeOf(keys: Keys): JsonObject {
  if ("key" in keys) return { key: encodedKey(keys.key) };
  return { key: encoded(keys.prefix), range_end: encodedRangeEnd(keys.prefix) };
}

/** A range request: the oldest key first. */
export function range(keys: Keys): JsonObject {
  return { ...rangeOf(keys), sort_target: "CREATE", sort_order: "ASCEND" };
}

/** What a transaction compares: all of it must be true. */
export const compare = {
  /** No such key. */
  isAbsent: (keys: Keys): JsonObject => created(keys, "EQUAL", 0),
  /** The key that was made at a revision is still there. */
  wasCreatedAt: (key: string, revision: number): JsonObject => created({ key }, "EQUAL", revision),
  /** The key is there, and ends with a lease. */
  hangsOn: (key: string, lease: string): JsonObject => ({
    ...rangeOf({ key }),
    target: "LEASE",
    result: "EQUAL",
    lease,
  }),
  /** None of the keys was made before a revision. */
  noneCreatedBefore: (keys: Keys, revision: number): JsonObject =>
    created(keys, "GREATER", revision - 1),
  /** None of the keys was written after a revision. Deletions do not show. */
  noneChangedAfter: (keys: Keys, revision: number): JsonObject => ({
    ...rangeOf(keys),
    target: "MOD",
    result: "LESS",
    mod_revision: String(revision + 1),
  }),
};

function created(keys: Keys, result: "EQUAL" | "GREATER", revision: number): JsonObject {
  return { ...rangeOf(keys), target: "CREATE", result, create_revision: String(revision) };
}

/** What a transaction does. */
export const operation = {
  get: (keys: Keys): JsonObject => ({ request_range: range(keys) }),
  /** Always with its lease, "0" for none: a put without it would detach the key. */
  put: (key: string, value: string, lease: string): JsonObject => ({
    request_put: { key: encodedKey(key), value: encoded(value), lease },
  }),
  delete: (key: string): JsonObject => ({ request_delete_range: { key: encodedKey(key) } }),
  transaction: (inner: Transaction): JsonObject => ({ request_txn: transaction(inner) }),
};

/** In etcd's own words: when all comparisons are true, `success` is done, else `failure`. */
interface Transaction {
  readonly compare: readonly JsonObject[];
  readonly success: readonly JsonObject[];
  readonly failure?: readonly JsonObject[];
}

export function transaction({
  compare: conditions,
  success,
  failure = [],
}: Transaction): JsonObject {
  return { compare: conditions, success, failure };
}

/** The answers to the operations of a transaction, in their order. */
export function responsesIn(message: JsonObject): JsonObject[] {
  return objectsIn(message, "responses");
}

/** The keys of a range's answer. */
export function keyValuesIn(message: JsonObject): KeyValue[] {
  return objectsIn(message, "kvs").map(keyValueIn);
}

/** The keys that an operation of a transaction has read; none if it was no range. */
export function readKeyValues(response: JsonObject | undefined): KeyValue[] {
  return response === undefined ? [] : keyValuesIn(objectIn(response, "response_range"));
}

/** What has happened to a key. */
export interface KeyEvent {
  readonly type: "put" | "delete";
  readonly kv: KeyValue;
}

/** The events of a watch's message. */
export function eventsIn(message: JsonObject): KeyEvent[] {
  return objectsIn(message, "events").map((event) => ({
    type: textIn(event, "type") === "DELETE" ? "delete" : "put",
    kv: keyValueIn(objectIn(event, "kv")),
  }));
}
