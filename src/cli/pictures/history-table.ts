/** The last grants of a lock as a table. */
import type { GrantRecord } from "../../lock/status.ts";
import { tableLines, type TableColumn } from "../terminal/aligned-table.ts";
import { lockStyles, type Paint, type Style } from "../terminal/colors.ts";
import { clockText, dateText, fineDurationText } from "../terminal/time-text.ts";

/** How a request ended, or stands, in words. */
export const endingTexts: Record<GrantRecord["ending"], string> = {
  waiting: "waits",
  held: "holds",
  detached: "detached",
  stale: "stale",
  released: "released",
  forced: "forced",
  replaced: "replaced",
  recovered: "holder died",
  superseded: "superseded",
  crowded: "too many waited",
  deadlock: "deadlock",
  lapsed: "gave up",
};

export const endingStyles: Record<GrantRecord["ending"], Style> = {
  waiting: lockStyles.contended,
  held: lockStyles.held,
  detached: lockStyles.held,
  stale: lockStyles.broken,
  released: lockStyles.free,
  forced: lockStyles.broken,
  replaced: lockStyles.contended,
  recovered: lockStyles.broken,
  superseded: lockStyles.contended,
  crowded: lockStyles.contended,
  deadlock: lockStyles.broken,
  lapsed: lockStyles.contended,
};

const goingOn: ReadonlySet<string> = new Set<GrantRecord["ending"]>([
  "waiting",
  "held",
  "detached",
  "stale",
]);

/** When a hold or a wait ended, or now while it goes on; null when nobody knows, as of a waiter that died. */
export function endOf({ ended, ending }: GrantRecord, now: number): number | null {
  return ended ?? (goingOn.has(ending) ? now : null);
}

/** How long a request waited, in seconds, until now if it still does; null when nobody knows. */
export function waitSecondsOf(record: GrantRecord, now: number): number | null {
  const end = record.granted ?? endOf(record, now);
  return end === null ? null : Math.max(0, end - record.queued);
}

/** How long it held the lock, in seconds, until now if it still does; null when it did not, or nobody knows. */
export function holdSecondsOf(record: GrantRecord, now: number): number | null {
  const end = endOf(record, now);
  return record.granted === null || end === null ? null : Math.max(0, end - record.granted);
}

function secondsText(seconds: number | null): string {
  return seconds === null ? "-" : fineDurationText(seconds);
}

/**
 * The heads, then a line a record, the newest last.
 *
 * @param columns how wide the terminal is; Infinity when nothing is to be cut
 * @param now seconds since 1970
 */
export function historyTable(
  records: readonly HistoryRecord[],
  columns: number,
  now: number,
  paint: Paint,
): string[] {
  const today = dateText(now);
  const isOfToday = records.every((record) => dateText(momentOf(record)) === today);
  const locks = records.some(({ name }) => name !== undefined) ? [lockColumn] : [];
  const hosts = records.some(({ host }) => host !== undefined) ? [hostColumn] : [];
  const kinds = records.some(({ kind }) => kind !== "exclusive") ? [kindColumn] : [];
  const table: TableColumn<HistoryRecord>[] = [
    ...locks,
    {
      head: "WHEN",
      text: (record) => {
        const moment = momentOf(record);
        return isOfToday ? clockText(moment) : `${dateText(moment).slice(5)} ${clockText(moment)}`;
      },
    },
    {
      head: "PID",
      align: "right",
      dispensable: 3,
      text: ({ pid }) => (pid === null ? "-" : String(pid)),
    },
    ...hosts,
    { head: "COMMAND", minWidth: 8, text: ({ command }) => command },
    ...kinds,
    {
      head: "WAITED",
      align: "right",
      dispensable: 2,
      text: (record) => secondsText(waitSecondsOf(record, now)),
    },
    {
      head: "HELD",
      align: "right",
      dispensable: 1,
      text: (record) => secondsText(holdSecondsOf(record, now)),
    },
    {
      head: "ENDING",
      style: (record) => (record.exitStatus ? lockStyles.broken : endingStyles[record.ending]),
      text: endingText,
    },
  ];
  return tableLines(table, records, columns, paint);
}

/** As in `released`, `exit 3`, `forced by pid 4242, exit 143`. */
function endingText({ ending, by, exitStatus }: GrantRecord): string {
  const text = by == null ? endingTexts[ending] : `${endingTexts[ending]} by ${by}`;
  if (exitStatus == null) return text;
  const exit = `exit ${exitStatus}`;
  return ending === "released" ? exit : `${text}, ${exit}`;
}

/** When it was granted; if it was not, when it came. */
export function momentOf({ granted, queued }: GrantRecord): number {
  return granted ?? queued;
}

/** A request, and the lock that it is about if the table is one of several locks. */
export interface HistoryRecord extends GrantRecord {
  readonly name?: string;
}

const lockColumn: TableColumn<HistoryRecord> = {
  head: "LOCK",
  minWidth: 8,
  style: () => "bold",
  text: ({ name }) => name ?? "",
};

const hostColumn: TableColumn<HistoryRecord> = {
  head: "HOST",
  minWidth: 6,
  dispensable: 3,
  text: ({ host }) => host ?? "-",
};

const kindColumn: TableColumn<HistoryRecord> = {
  head: "KIND",
  dispensable: 4,
  text: ({ kind, slot, slotName }) => (slot === null ? kind : `slot ${slotName ?? slot}`),
};
