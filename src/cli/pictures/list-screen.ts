/** The table that `list` prints for people. */
import type { LockState } from "../../lock/status.ts";
import { listColumns, othersLine, styleOfLock, summaryLine } from "../status/list-columns.ts";
import { tableLines } from "../terminal/aligned-table.ts";
import type { Paint } from "../terminal/colors.ts";

/**
 * A line a lock, one for all that this user may not read, and the summary.
 *
 * @param locks in the order in which they are shown
 * @param options.all whether the locks that this user may not read have a line each
 * @param options.columns how wide the terminal is; Infinity when nothing is to be cut
 */
export function listLines(
  locks: readonly LockState[],
  options: { all: boolean; columns: number; nowSeconds: number; paint: Paint },
): string[] {
  const { all, columns, nowSeconds, paint } = options;
  const shown = locks.filter(({ state }) => all || state !== "unreadable");
  const hidden = locks.filter(({ state }) => !all && state === "unreadable");
  const table = listColumns.map((column) =>
    Object.assign({}, column, { text: (lock: LockState) => column.text(lock, nowSeconds) }),
  );
  return [
    ...(shown.length === 0 ? [] : tableLines(table, shown, columns, paint)),
    ...(hidden.length === 0 ? [] : [paint("dim", othersLine(hidden))]),
    ...(shown.length === 0 ? [] : [paint(summaryStyle(shown), summaryLine(shown))]),
  ];
}

/** The summary is painted as the worst of its locks. */
function summaryStyle(locks: readonly LockState[]) {
  const styles = new Set(locks.map(styleOfLock));
  return (["red", "yellow", "green"] as const).find((style) => styles.has(style)) ?? "dim";
}
