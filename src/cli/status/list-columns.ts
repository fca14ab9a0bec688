/** What `list` tells about a lock: one table that its output, its JSON and its help are made from. */
import { momentOfGrant, withoutDate } from "../../lock/info-text.ts";
import type { LockState } from "../../lock/status.ts";
import { userName } from "../../posix/user.ts";
import type { TableColumn } from "../terminal/aligned-table.ts";
import { lockStyles, type Style } from "../terminal/colors.ts";
import { agoText, durationText } from "../terminal/time-text.ts";
import { compareNaturally, counted } from "../terminal/text.ts";
import { briefHoldersText, holdSeconds } from "./status-text.ts";

interface Fact {
  /** Its name in JSON. */
  field: string;
  /** What it is, for people. */
  description: string;
  json(this: void, lock: LockState, nowSeconds: number): unknown;
}

/** A fact that has a column in the output, too. */
interface ListColumn extends Fact, Omit<TableColumn<LockState>, "text"> {
  text(this: void, lock: LockState, nowSeconds: number): string;
}

/** How a lock is painted, on every screen. */
export function styleOfLock({ state, waiters }: Pick<LockState, "state" | "waiters">): Style {
  switch (state) {
    case "free":
      return lockStyles.free;
    case "held":
      return waiters.length > 0 ? lockStyles.contended : lockStyles.held;
    case "unreadable":
      return lockStyles.unknown;
    default:
      return lockStyles.broken;
  }
}

/** For a cell that has nothing to tell. */
const none = "-";

export const listColumns: readonly ListColumn[] = [
  {
    head: "NAME",
    minWidth: 8,
    field: "name",
    description: "the lock's name",
    json: ({ name }) => name,
    style: (lock) => (lock.state === "free" ? lockStyles.free : undefined),
    text: ({ name }) => name,
  },
  {
    head: "STATE",
    field: "state",
    description: "free, held, stale, unreadable, damaged or leftover",
    json: ({ state }) => state,
    style: styleOfLock,
    text: ({ state }) => state,
  },
  {
    head: "HOLDER",
    minWidth: 8,
    field: "holders",
    description: "who holds it: message and process",
    json: ({ holders }) => holders,
    style: dimWhenFree,
    text: holderText,
  },
  {
    head: "HELD",
    align: "right",
    field: "held",
    description: "for how long it has been held; in JSON in seconds",
    json: ({ holders }, nowSeconds) => holdSeconds(holders, nowSeconds),
    style: dimWhenFree,
    text({ holders }, nowSeconds) {
      const seconds = holdSeconds(holders, nowSeconds);
      return seconds === null ? none : durationText(seconds);
    },
  },
  {
    head: "WAITING",
    align: "right",
    dispensable: 1,
    field: "waiters",
    description: "how many wait; in JSON who, in order",
    json: ({ waiters }) => waiters,
    style: (lock) => (lock.waiters.length > 0 ? lockStyles.contended : dimWhenFree(lock)),
    text: ({ waiters, state }) => (state === "unreadable" ? none : String(waiters.length)),
  },
  {
    head: "INFO",
    minWidth: 8,
    dispensable: 2,
    field: "info",
    description: "its info text, unless HOLDER tells it; of a free lock, who had it last and when",
    json: ({ info }) => info,
    style: dimWhenFree,
    text: infoText,
  },
];

/** What JSON alone has. */
export const listFacts: readonly Fact[] = [
  {
    field: "exists",
    description: "whether its semaphore is there",
    json: ({ exists }) => exists,
  },
  {
    field: "locked",
    description: "whether it is locked, by whomever; null when that cannot be read",
    json: ({ locked }) => locked,
  },
  { field: "value", description: "the semaphore's value", json: ({ value }) => value },
  {
    field: "grants",
    description: "how often it was granted since it was created, Python programs not counted",
    json: ({ grants }) => grants,
  },
  {
    field: "recoveries",
    description: "how many of these took over from a holder that died",
    json: ({ recoveries }) => recoveries,
  },
  {
    field: "user",
    description: "whose it is",
    json: ({ userId }) => (userId === null ? null : userText(userId)),
  },
];

function dimWhenFree({ state }: LockState): Style | undefined {
  return state === "free" ? lockStyles.free : undefined;
}

function holderText({ holders, state, info }: LockState): string {
  const [first, ...others] = holders;
  if (first !== undefined) {
    // The ledger has the first bytes of a message, the info text all of it.
    const text = withoutDate(info ?? "");
    const isWhole = others.length > 0 || first.command === "" || !text.startsWith(first.command);
    return briefHoldersText(isWhole ? holders : [Object.assign({}, first, { command: text })]);
  }
  return state === "damaged" || state === "unreadable" ? "?" : none;
}

function infoText({ state, info, userId, holders }: LockState, nowSeconds: number): string {
  if (info === null) {
    return state === "damaged" || userId === null ? none : `belongs to ${userText(userId)}`;
  }
  const text = withoutDate(info);
  const [holder] = holders;
  if (holder === undefined) {
    const granted = momentOfGrant(info);
    return [text, granted === undefined ? "" : agoText(nowSeconds - granted)]
      .filter((part) => part !== "")
      .join(", ");
  }
  const isTold = holder.command !== "" && text.startsWith(holder.command);
  return isTold ? "" : text;
}

const userNames = new Map<number, string>();

function userText(userId: number): string {
  const known = userNames.get(userId) ?? userName(userId) ?? String(userId);
  userNames.set(userId, known);
  return known;
}

export type Order = (one: LockState, other: LockState, nowSeconds: number) => number;

/** What somebody may have to act upon comes first, and what is free last. */
const ranks = { stale: 0, damaged: 0, held: 0, leftover: 1, free: 2, unreadable: 3 } as const;

/** Held first, then by name. */
export const heldFirst: Order = (one, other) =>
  ranks[one.state] - ranks[other.state] || compareNaturally(one.name, other.name);

/** Orders by the time held, the longest first. */
export const longestFirst: Order = (one, other, nowSeconds) =>
  (holdSeconds(other.holders, nowSeconds) ?? -1) - (holdSeconds(one.holders, nowSeconds) ?? -1) ||
  heldFirst(one, other, nowSeconds);

/** The last line: as in `37 locks, 1 held, 1 waiting`, with what is wrong behind it. */
export function summaryLine(locks: readonly LockState[]): string {
  const count = (...states: LockState["state"][]) =>
    locks.filter(({ state }) => states.includes(state)).length;
  const waiting = locks.reduce((sum, { waiters }) => sum + waiters.length, 0);
  const counts: readonly [number, string][] = [
    [count("stale"), "stale"],
    [count("damaged"), "damaged"],
    [count("leftover"), "leftover"],
  ];
  return [
    counted(locks.length, "lock", "locks"),
    `${count("held", "stale")} held`,
    `${waiting} waiting`,
    ...counts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`),
  ].join(", ");
}

/** One line for the locks that this user may not read: as in `3 locks of root, anna (--all lists them)`. */
export function othersLine(locks: readonly LockState[]): string {
  const users = [...new Set(locks.flatMap(({ userId }) => userId ?? []))].map(userText);
  const owners = users.toSorted(compareNaturally).join(", ");
  return `${counted(locks.length, "lock", "locks")} of ${owners || "others"} (--all lists them)`;
}
