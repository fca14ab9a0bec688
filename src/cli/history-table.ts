/** The last grants of a lock as a table. */
import type { GrantRecord } from "../lock/lock-history.ts";
import { tableLines, type TableColumn } from "./aligned-table.ts";
import { clockText, dateText } from "./clock-text.ts";
import type { Paint, Style } from "./colors.ts";
import { fineDurationText } from "./status-text.ts";

/** How a request ended, or stands, in words. */
export const endingTexts: Record<GrantRecord["ending"], string> = {
  waiting: "waits",
  held: "holds",
  detached: "detached",
  released: "released",
  forced: "forced",
  recovered: "holder died",
  lapsed: "gave up",
};

export const endingStyles: Record<GrantRecord["ending"], Style> = {
  waiting: "yellow",
  held: "green",
  detached: "green",
  released: "dim",
  forced: "red",
  recovered: "red",
  lapsed: "yellow",
};

/** How long a request waited, in seconds, until now if it still does. */
export function waitedSeconds({ queued, granted, ended }: GrantRecord, now: number): number {
  return Math.max(0, (granted ?? ended ?? now) - queued);
}

/** How long it held the lock, in seconds, until now if it still does; null where it was not granted. */
export function heldSeconds({ granted, ended }: GrantRecord, now: number): number | null {
  return granted === null ? null : Math.max(0, (ended ?? now) - granted);
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
      fromColumns: 50,
      text: ({ pid }) => (pid === null ? "-" : String(pid)),
    },
    { head: "COMMAND", width: "rest", text: ({ command }) => command },
    ...kinds,
    {
      head: "WAITED",
      align: "right",
      fromColumns: 46,
      text: (record) => fineDurationText(waitedSeconds(record, now)),
    },
    {
      head: "HELD",
      align: "right",
      text: (record) => {
        const held = heldSeconds(record, now);
        return held === null ? "-" : fineDurationText(held);
      },
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
  fromColumns: 60,
  text: ({ kind, slot }) => (slot === null ? kind : `slot ${slot}`),
};
