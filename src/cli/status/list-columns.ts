/** What `list` tells about a lock: one table that its output, its JSON and its help are made from. */
import { withoutDate } from "../../lock/info-text.ts";
import type { HolderStatus, LockState } from "../../lock/status.ts";
import { userName } from "../../posix/user.ts";
import type { TableColumn } from "../terminal/aligned-table.ts";
import type { Style } from "../terminal/colors.ts";
import { briefHolderText, durationText, heldSeconds } from "./status-text.ts";

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

const styleOfState: Record<LockState["state"], Style> = {
  free: "green",
  locked: "yellow",
  stale: "red",
  damaged: "red",
  leftover: "red",
  unreadable: "dim",
};

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
    style: ({ state }) => styleOfState[state],
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
    align: "right",
    field: "held",
    description: "for how long it has been held; in JSON in seconds",
    json: ({ holders }, nowSeconds) => heldSeconds(holders, nowSeconds),
    text({ holders }, nowSeconds) {
      const seconds = heldSeconds(holders, nowSeconds);
      return seconds === null ? none : durationText(seconds);
    },
  },
  {
    head: "WAITERS",
    align: "right",
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
    text: (lock) => keptFrom(lock, "it belongs to user") ?? (lock.info || none),
    // HELD tells since when; what is behind the date is told nowhere else.
    short: (lock) => keptFrom(lock, "of user") ?? (withoutDate(lock.info ?? "") || none),
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
    description: "whether it is locked, by whomever; null where that cannot be read",
    json: ({ locked }) => locked,
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

/** In place of an info text that this user may not read: whose it is. */
function keptFrom({ state, info, userId }: LockState, words: string): string | undefined {
  return info === null && state !== "damaged" ? `${words} ${userText(userId)}` : undefined;
}

function holderText({ holders, state }: LockState): string {
  const [first, ...others] = holders;
  if (first === undefined) return state === "damaged" || state === "unreadable" ? "?" : none;
  return others.length === 0 ? oneHolder(first) : `${holders.length}: ${oneHolder(first)}, ...`;
}

function oneHolder(holder: HolderStatus): string {
  // What a detached one is for stands in INFO.
  return briefHolderText(holder.attachment === "detached" ? { ...holder, command: "" } : holder);
}

const userNames = new Map<number, string>();

function userText(userId: number | null): string | null {
  if (userId === null) return null;
  const known = userNames.get(userId) ?? userName(userId) ?? String(userId);
  userNames.set(userId, known);
  return known;
}
