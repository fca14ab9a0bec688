/** What was seen of a lock, look by look, for the picture of `trace`. */
import type { GrantRecord, HolderStatus, LockStatus } from "../../lock/status.ts";
import { holdSeconds } from "../status/status-text.ts";
import { endOf, waitSecondsOf } from "./history-table.ts";

/** A lock, as one look saw it. */
export interface SeenLock {
  exists: boolean;
  /** null when nobody can tell. */
  locked: boolean | null;
  status: LockStatus;
}

/**
 * What a look saw: no such lock; free; free, but granted since the look before; held; held while others wait;
 * held by a process that died; or nothing, because nobody looked.
 */
export type CellKind = "missing" | "free" | "briefly" | "held" | "contended" | "stale" | "unseen";

export interface Cell {
  kind: CellKind;
  waiters: number;
}

/** A lock as the picture shows it: what was seen, oldest first, and how it stands now. */
export interface TraceRow {
  name: string;
  cells: readonly Cell[];
  holders: readonly HolderStatus[];
  /** For how long it has been held; null when nobody knows or it is free. */
  holdSeconds: number | null;
  waiters: number;
  /** The longest that anybody waited, since the picture begins or was seen; null when nobody did. */
  longestWaitSeconds: number | null;
  /** Grants in the last minute, as far as the history goes back or looks saw them. */
  grantsPerMinute: number;
}

/** More than the widest terminal has columns. */
export const maxCells = 1000;

const rateSeconds = 60;
/** Below this it did not wait: it was granted at once. */
const shortestWaitSeconds = 0.05;

export class LockTimeline {
  readonly #name: string;
  readonly #cells: Cell[] = [];
  readonly #rate = new GrantRate();
  #row: Omit<TraceRow, "name" | "cells"> = {
    holders: [],
    holdSeconds: null,
    waiters: 0,
    longestWaitSeconds: null,
    grantsPerMinute: 0,
  };

  /** @param past what is known of the time before the first look */
  constructor(name: string, past: Past = { cells: [], grantSeconds: [], longestWaitSeconds: 0 }) {
    this.#name = name;
    this.#cells.push(...past.cells);
    this.#row.longestWaitSeconds = past.longestWaitSeconds || null;
    for (const seconds of past.grantSeconds) this.#rate.addPast(seconds);
  }

  get row(): TraceRow {
    return { name: this.#name, cells: this.#cells, ...this.#row };
  }

  /**
   * Adds a look.
   *
   * @param seconds on a clock that nobody sets
   * @param now seconds since 1970
   */
  add({ exists, locked, status }: SeenLock, seconds: number, now: number): void {
    const { waiters, grants } = status;
    const holders = locked === true ? status.holders : [];
    const granted = this.#rate.add(grants, seconds);
    const waits = waiters.map(({ since }) => now - (since ?? now));
    const longest = Math.max(this.#row.longestWaitSeconds ?? 0, ...waits);
    this.#row = {
      holders,
      holdSeconds: holdSeconds(holders, now),
      waiters: waiters.length,
      longestWaitSeconds: longest === 0 ? null : longest,
      grantsPerMinute: this.#rate.grants,
    };
    this.#push({
      kind: kindOf({ exists, locked, holders, waiters: waiters.length, granted }),
      waiters: waiters.length,
    });
  }

  /** Adds a time in which nobody looked. */
  addGap(): void {
    this.#push({ kind: "unseen", waiters: 0 });
  }

  #push(cell: Cell): void {
    this.#cells.push(cell);
    if (this.#cells.length > maxCells) this.#cells.shift();
  }
}

interface Seen {
  exists: boolean;
  locked: boolean | null;
  holders: readonly HolderStatus[];
  waiters: number;
  /** How many grants there were since the look before. */
  granted: number;
}

function kindOf({ exists, locked, holders, waiters, granted }: Seen): CellKind {
  if (locked === null) return "unseen";
  if (!exists && !locked) return "missing";
  if (!locked) return granted > 0 ? "briefly" : "free";
  if (holders.some(({ attachment }) => attachment === "stale")) return "stale";
  return waiters > 0 ? "contended" : "held";
}

/** What the history tells of the time before the first look. */
interface Past {
  readonly cells: readonly Cell[];
  /** When the grants of the last minute were made, oldest first, on the clock of the looks. */
  readonly grantSeconds: readonly number[];
  /** The longest wait that ended within the cells; 0 for none. */
  readonly longestWaitSeconds: number;
}

/**
 * Tells from the history what looks at these times would have seen. Before the oldest record nobody knows.
 *
 * @param times seconds since 1970, one a cell
 * @param seconds the moment of the history, on the clock of the looks
 * @param now the same, since 1970
 */
export function pastOf(
  records: readonly GrantRecord[],
  times: readonly number[],
  seconds: number,
  now: number,
): Past {
  const [start = now] = times;
  const waits = records
    .filter((record) => (record.granted ?? endOf(record, now) ?? 0) >= start)
    .map((record) => waitSecondsOf(record, now) ?? 0);
  const grants = records
    .map(({ granted }) => granted ?? 0)
    .filter((granted) => granted > now - rateSeconds && granted <= now);
  return {
    cells: pastCells(records, times, now),
    grantSeconds: grants.map((granted) => seconds - (now - granted)),
    longestWaitSeconds: Math.max(0, ...waits.filter((wait) => wait >= shortestWaitSeconds)),
  };
}

/** @param times seconds since 1970, one a cell */
function pastCells(records: readonly GrantRecord[], times: readonly number[], now: number): Cell[] {
  const oldest = Math.min(...records.map(({ queued }) => queued));
  return times.map((time): Cell => {
    if (!(time >= oldest)) return { kind: "unseen", waiters: 0 };
    let held = false;
    let stale = false;
    let waiters = 0;
    for (const record of records) {
      const end = endOf(record, now) ?? record.granted ?? record.queued;
      const isHolding = record.granted !== null && record.granted <= time && time <= end;
      const waitEnd = record.granted ?? end;
      held ||= isHolding;
      // When it died nobody knows; that it did is all that looks see now.
      stale ||= isHolding && record.ending === "stale";
      if (record.queued <= time && time < waitEnd) waiters += 1;
    }
    if (!held) return { kind: "free", waiters: 0 };
    if (stale) return { kind: "stale", waiters };
    return { kind: waiters > 0 ? "contended" : "held", waiters };
  });
}

/** Counts the grants of the last minute, from a counter that starts again with a new lock. */
class GrantRate {
  /** When grants were seen, and how many; those of one second in one entry. */
  readonly #seen: { seconds: number; grants: number }[] = [];
  #counter: number | undefined;

  /** @returns how many grants there were since the look before */
  add(counter: number, seconds: number): number {
    const before = this.#counter ?? counter;
    this.#counter = counter;
    const grants = counter < before ? counter : counter - before;
    const last = this.#seen.at(-1);
    if (grants > 0 && last !== undefined && seconds - last.seconds < 1) last.grants += grants;
    else if (grants > 0) this.#seen.push({ seconds, grants });
    while (seconds - (this.#seen[0]?.seconds ?? seconds) > rateSeconds) this.#seen.shift();
    return grants;
  }

  /** Adds a grant of before the first look. */
  addPast(seconds: number): void {
    this.#seen.push({ seconds, grants: 1 });
  }

  get grants(): number {
    return this.#seen.reduce((sum, { grants }) => sum + grants, 0);
  }
}
