/** The last grants of a lock as a table. */
import type { GrantRecord } from "../../lock/status.ts";
import { tableLines, type TableColumn } from "../terminal/aligned-table.ts";
import { clockText, dateText } from "../terminal/clock-text.ts";
import type { Paint, Style } from "../terminal/colors.ts";
import { fineDurationText } from "../status/status-text.ts";

/** How a request ended, or stands, in words. */
export const endingTexts: Record<GrantRecord["ending"], string> = {
  waiting: "waits",
  held: "holds",
  detached: "detached",
  stale: "stale",
  released: "released",
  forced: "forced",
  recovered: "holder died",
  lapsed: "gave up",
};

export const endingStyles: Record<GrantRecord["ending"], Style> = {
  waiting: "yellow",
  held: "green",
  detached: "green",
  stale: "red",
  released: "dim",
  forced: "red",
  recovered: "red",
  lapsed: "yellow",
};

const goingOn: ReadonlySet<string> = new Set<GrantRecord["ending"]>([
  "waiting",
  "held",
  "detached",
  "stale",
]);

/** When a hold or a wait ended, or now where it goes on; null where nobody knows, as of a waiter that died. */
export function endOf({ ended, ending }: GrantRecord, now: number): number | null {
  return ended ?? (goingOn.has(ending) ? now : null);
}

/** How long a request waited, in seconds, until now if it still does; null where nobody knows. */
export function waitedSeconds(record: GrantRecord, now: number): number | null {
  const end = record.granted ?? endOf(record, now);
  return end === null ? null : Math.max(0, end - record.queued);
}

/** How long it held the lock, in seconds, until now if it still does; null where it did not, or nobody knows. */
export function heldSeconds(record: GrantRecord, now: number): number | null {
  const end = endOf(record, now);
  return record.granted === null || end === null ? null : Math.max(0, end - record.granted);
}

function secondsText(seconds: number | null): string {
  return seconds === null ? "-" : fineDurationText(seconds);
}

/**
 * The heads, then a line a record, the newest last.
 *
 * @param columns how wide the terminal is; Infinity where nothing is to be cut
 * @param now seconds since 1970
 */
export function historyTable(
  records: readonly GrantRecord[],
  columns: number,
  now: number,
  paint: Paint,
): string[] {
  const today = dateText(now);
  const isOfToday = records.every((record) => dateText(momentOf(record)) === today);
  const kinds = records.some(({ kind }) => kind !== "exclusive") ? [kindColumn] : [];
  const table: TableColumn<GrantRecord>[] = [
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
      dispensable: 2,
      text: ({ pid }) => (pid === null ? "-" : String(pid)),
    },
    { head: "COMMAND", least: 8, text: ({ command }) => command },
    ...kinds,
    {
      head: "WAITED",
      align: "right",
      dispensable: 1,
      text: (record) => secondsText(waitedSeconds(record, now)),
    },
    {
      head: "HELD",
      align: "right",
      text: (record) => secondsText(heldSeconds(record, now)),
    },
    {
      head: "ENDING",
      style: ({ ending }) => endingStyles[ending],
      text: ({ ending }) => endingTexts[ending],
    },
  ];
  return tableLines(table, records, columns, paint);
}

/** When it was granted; of one that was not, when it came. */
function momentOf({ granted, queued }: GrantRecord): number {
  return granted ?? queued;
}

const kindColumn: TableColumn<GrantRecord> = {
  head: "KIND",
  dispensable: 3,
  text: ({ kind, slot }) => (slot === null ? kind : `slot ${slot}`),
};
