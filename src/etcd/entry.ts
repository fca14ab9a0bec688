/**
 * Places in the queue of a lock, as they are stored: the value of a key under `NAME/`. Anybody may write there, so
 * nothing in a value is trusted, and what is not understood counts as an exclusive place, as `etcdctl lock` means it.
 */
import type { QueueEntry, RequestedKind } from "../lock/kinds.ts";
import type { HolderStatus, KindName, ParticipantStatus } from "../lock/status.ts";
import { type JsonObject, parseObject } from "./json.ts";
import type { KeyValue } from "./requests.ts";
import { maxProcessId } from "../posix/process-start.ts";

/** The form of the values; a value of another form is somebody else's. */
const formVersion = 1;
const maxSlots = 1023;
/** As many bytes of a message are shown as the command of a place. */
const maxShownBytes = 200;

/** What a place says of itself. */
export interface EntryValue {
  readonly kind: KindName;
  /** How many may hold at once, for slots; else 0. */
  readonly slots: number;
  readonly host: string;
  readonly user: string;
  readonly pid: number;
  /** Tells the process from others of the same number: see whose.ts. */
  readonly process?: string;
  readonly message: string;
  /** Since when it waits, in seconds since 1970 by its host's clock. */
  readonly since: number;
  /** Whether it leaves the queue to a newer one that says so, too. */
  readonly newest?: boolean;
  /** Whether it leaves the lock to a newer one that says so, too. */
  readonly replace?: boolean;
  /** When it was granted; undefined while it waits. */
  readonly granted?: number;
  readonly slot?: number;
  /** The slot's name, if its holder gave names. */
  readonly slotName?: string;
  /** How it is held; `attached` if left out. */
  readonly attachment?: "detached" | "bound";
  /** The process that it is bound to. */
  readonly owner?: number;
  readonly ownerProcess?: string;
  /** Its token, where the value was written again after the grant. */
  readonly token?: number;
}

/** A place in a queue. */
export interface Entry extends QueueEntry {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: string;
  /** Undefined for a place of another program. */
  readonly value: EntryValue | undefined;
}

/** @param more further fields, for a record of the history */
export function formatEntry(value: EntryValue, more: object = {}): string {
  return JSON.stringify({ v: formVersion, ...value, ...more });
}

export function parseEntry(kv: KeyValue): Entry {
  const value = parseValue(kv.value);
  return {
    key: kv.key,
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    lease: kv.lease,
    kind: value?.kind ?? "exclusive",
    slots: value?.slots ?? 0,
    value,
  };
}

/** A kind as the queue counts it. */
export function queueEntryOf(kind: RequestedKind): QueueEntry {
  if (typeof kind === "object") return { kind: "slots", slots: kind.slots };
  return { kind, slots: 0 };
}

function parseValue(text: string): EntryValue | undefined {
  const json = parseObject(text);
  if (json === undefined || json["v"] !== formVersion) return undefined;
  const kind = kindIn(json);
  if (kind === undefined) return undefined;
  const granted = timeIn(json, "granted");
  const slot = countIn(json, "slot", 0, maxSlots - 1);
  const slotName = textOrEmpty(json["slotName"]);
  const owner = countIn(json, "owner", 1, maxProcessId);
  const token = countIn(json, "token", 1, Number.MAX_SAFE_INTEGER);
  const attachment = json["attachment"];
  const identity = identityIn(json, "process");
  const ownerIdentity = identityIn(json, "ownerProcess");
  return {
    ...kind,
    host: textOrEmpty(json["host"]),
    user: textOrEmpty(json["user"]),
    pid: countIn(json, "pid", 1, maxProcessId) ?? 0,
    message: textOrEmpty(json["message"]),
    since: timeIn(json, "since") ?? 0,
    ...(json["newest"] === true ? { newest: true } : {}),
    ...(json["replace"] === true ? { replace: true } : {}),
    ...(granted === undefined ? {} : { granted }),
    ...(slot === undefined || kind.kind !== "slots" ? {} : { slot }),
    ...(slot === undefined || kind.kind !== "slots" || slotName === "" ? {} : { slotName }),
    ...(attachment === "detached" || attachment === "bound" ? { attachment } : {}),
    ...(owner === undefined ? {} : { owner }),
    ...(identity === undefined ? {} : { process: identity }),
    ...(ownerIdentity === undefined ? {} : { ownerProcess: ownerIdentity }),
    ...(token === undefined ? {} : { token }),
  };
}

function kindIn(json: JsonObject): QueueEntry | undefined {
  const { kind } = json;
  if (kind === "exclusive" || kind === "shared") return { kind, slots: 0 };
  const slots = countIn(json, "slots", 1, maxSlots);
  return kind === "slots" && slots !== undefined ? { kind, slots } : undefined;
}

function countIn(json: JsonObject, field: string, min: number, max: number): number | undefined {
  const value = json[field];
  const isCount = typeof value === "number" && Number.isInteger(value) && value >= min;
  return isCount && value <= max ? value : undefined;
}

/** Seconds since 1970, of this millennium. */
function timeIn(json: JsonObject, field: string): number | undefined {
  const value = json[field];
  return typeof value === "number" && value > 0 && value < 32_503_680_000 ? value : undefined;
}

function identityIn(json: JsonObject, field: string): string | undefined {
  const value = json[field];
  return typeof value === "string" && /^[\w:-]{1,80}$/.test(value) ? value : undefined;
}

function textOrEmpty(value: unknown): string {
  return typeof value === "string" ? value.toWellFormed() : "";
}

/** The first bytes of a message, for display, cut between letters. */
export function shownMessage(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= maxShownBytes) return message;
  return new TextDecoder().decode(bytes.subarray(0, maxShownBytes), { stream: true });
}

/** The fencing token of a place that holds: the revision of its grant. */
export function tokenOf({ value, modRevision }: Entry): number {
  return value?.token ?? modRevision;
}

/** What a place of another program is called: it says nothing of itself. */
const otherClient = "another etcd client, such as etcdctl";

/** A place as others see it. */
export function participantOf({ value, kind }: Entry): ParticipantStatus {
  if (value === undefined) return { pid: null, command: otherClient, since: null, kind };
  return {
    pid: value.pid,
    command: shownMessage(value.message),
    host: shownMessage(value.host),
    since: value.granted ?? value.since,
    kind,
  };
}

/** A place that holds, as others see it. */
export function holderOf(entry: Entry): HolderStatus {
  const { value, kind, slots } = entry;
  const participant = participantOf(entry);
  if (value === undefined) {
    // The revision of the key's making is not that of its grant, which etcdctl does not store.
    return { ...participant, attachment: "foreign", token: null, slot: null, slots: null };
  }
  const attachment = value.attachment ?? "attached";
  const pids = { attached: value.pid, detached: null, bound: value.owner ?? null };
  return {
    ...participant,
    pid: pids[attachment],
    attachment,
    token: tokenOf(entry),
    slot: value.slot ?? null,
    ...entrySlotName(value),
    slots: kind === "slots" ? slots : null,
  };
}

/** The name of a slot, as a status and a record of the history have it. */
export function entrySlotName({ slotName }: EntryValue): { slotName?: string } {
  return slotName === undefined ? {} : { slotName: shownMessage(slotName) };
}
