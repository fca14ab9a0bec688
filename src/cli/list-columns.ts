/** What `list` tells about a lock: one table that its output, its JSON and its help are made from. */
import type { ListedLock } from "../lock/lock-list.ts";
import type { HolderStatus } from "../lock/lock-status.ts";
import { userName } from "../posix/user.ts";
import type { TableColumn } from "./columns.ts";
import { durationText } from "./status-text.ts";

interface Fact {
  /** Its name in JSON. */
  field: string;
  /** What it is, for people. */
  description: string;
  json(this: void, lock: ListedLock, nowSeconds: number): unknown;
}

/** A fact that has a column in the output, too. */
interface ListColumn extends Fact, TableColumn {
  text(this: void, lock: ListedLock, nowSeconds: number): string;
}

/** For a cell that has nothing to tell. */
const none = "-";

export const listColumns: readonly ListColumn[] = [
  {
    head: "NAME",
    least: 8,
    field: "name",
    description: "the lock's name",
    json: ({ name }) => name,
    text: ({ name }) => name,
  },
  {
    head: "STATE",
    field: "state",
    description: "free, locked, stale, unreadable, damaged, or leftover",
    json: ({ state }) => state,
    text: ({ state }) => state,
  },
  {
    head: "HOLDER",
    least: 8,
    field: "holders",
    description: "who holds it: process and command",
    json: ({ holders }) => holders,
    text: holderText,
  },
  {
    head: "HELD",
    right: true,
    field: "held",
    description: "for how long it has been held; in JSON in seconds",
    json: heldSeconds,
    text(lock, nowSeconds) {
      const seconds = heldSeconds(lock, nowSeconds);
      return seconds === null ? none : durationText(seconds);
    },
  },
  {
    head: "WAITERS",
    right: true,
    field: "waiters",
    description: "how many wait; in JSON who, in order",
    json: ({ waiters }) => waiters,
    text: ({ waiters, state }) => (state === "unreadable" ? none : String(waiters.length)),
  },
  {
    head: "INFO",
    least: 8,
    field: "info",
    description: "its info text",
    json: ({ info }) => info,
    text: ({ info, userId }) =>
      info === null ? `it belongs to user ${userText(userId)}` : info || none,
  },
];

/** What JSON alone has. */
export const listFacts: readonly Fact[] = [
  {
    field: "exists",
    description: "whether it has a semaphore: a leftover has none",
    json: ({ exists }) => exists,
  },
  {
    field: "locked",
    description: "whether it is locked, by whomever; null where that cannot be read",
    json: ({ state, value }) => (state === "unreadable" ? null : value === 0),
  },
  { field: "value", description: "the semaphore's value", json: ({ value }) => value },
  {
    field: "grants",
    description: "how often it was granted since it was made, not counting peers",
    json: ({ grants }) => grants,
  },
  {
    field: "recoveries",
    description: "how many of these took over from a holder that died",
    json: ({ recoveries }) => recoveries,
  },
  { field: "user", description: "whose it is", json: ({ userId }) => userText(userId) },
];

/** Since when the first of its holders has held it; null where nobody does, or nobody knows. */
export function heldSeconds({ holders }: ListedLock, nowSeconds: number): number | null {
  const times = holders.map(({ since }) => since).filter((since) => since !== null);
  return times.length === 0 ? null : Math.max(0, nowSeconds - Math.min(...times));
}

function holderText({ holders, state }: ListedLock): string {
  const [first, ...others] = holders;
  if (first === undefined) return state === "damaged" || state === "unreadable" ? "?" : none;
  return others.length === 0 ? oneHolder(first) : `${oneHolder(first)} and ${others.length} more`;
}

function oneHolder({ attachment, pid, command }: HolderStatus): string {
  const who = command === "" ? `${pid}` : `${pid} ${command}`;
  switch (attachment) {
    case "attached":
      return who;
    case "detached":
      return "detached";
    case "bound":
      return `bound to ${pid}`;
    case "foreign":
      return "a peer without a ledger";
    default:
      return pid === null ? "died" : `died: ${who}`;
  }
}

const userNames = new Map<number, string>();

function userText(userId: number): string {
  const known = userNames.get(userId) ?? userName(userId) ?? String(userId);
  userNames.set(userId, known);
  return known;
}
