/** The picture that `trace` draws on a terminal: of each lock a line of words and a line of cells, one a look. */
import type { HolderStatus } from "../../lock/status.ts";
import { tableLines, type TableColumn } from "../terminal/aligned-table.ts";
import type { Paint, Style } from "../terminal/colors.ts";
import { cutToColumns, fitToColumns } from "../terminal/columns.ts";
import { escapeControls } from "../terminal/escape.ts";
import { legendLines } from "../terminal/legend.ts";
import { briefHolderText, fineDurationText } from "../status/status-text.ts";
import type { Cell, CellKind, TraceRow } from "./timeline.ts";

/** What the picture may take of the terminal. */
export interface PictureSize {
  columns: number;
  lines: number;
}

/** One glyph each, so that nothing is said by colour alone; of `contended` it is the count of waiters. */
const glyphs: Record<CellKind, string> = {
  missing: " ",
  unseen: " ",
  free: "·",
  briefly: "▄",
  held: "█",
  contended: "1-9",
  stale: "†",
};

const styles: Record<CellKind, Style> = {
  missing: "dim",
  unseen: "dim",
  free: "dim",
  briefly: "green",
  held: "green",
  contended: "yellow",
  stale: "red",
};

const legendTexts: readonly (readonly [kind: CellKind, text: string])[] = [
  ["free", "free"],
  ["held", "held"],
  ["contended", "so many wait"],
  ["briefly", "held in between"],
  ["stale", "holder died"],
];
const legend = legendTexts.map(([kind, text]) => ({
  glyph: glyphs[kind],
  style: styles[kind],
  text,
}));

/**
 * The lines of the picture, none wider than the terminal. Where they are too many, the legend is left out first,
 * then the time axis and the heads of columns, then each lock's line of words, then locks.
 *
 * @param lookSeconds when the cells were looked at, on one clock, oldest first: as many as each row has cells
 */
export function tracePicture(
  rows: readonly TraceRow[],
  lookSeconds: readonly number[],
  size: PictureSize,
  paint: Paint,
): string[] {
  const { columns, lines } = size;
  if (columns < fewestColumns) return [cutToColumns("narrow", columns)].slice(0, lines);
  const words = tableLines(table, rows, columns, paint);
  const [head = "", ...states] = words;
  const full = rows.flatMap((row, index) => [
    states[index] ?? "",
    cellLine(row.cells, columns, paint),
  ]);
  if (full.length <= lines) {
    return fitting(
      [[head], full, [axis(lookSeconds, columns, paint)], legendLines(legend, columns, paint)],
      lines,
    );
  }
  return fitting([shortLines(rows, size, paint)], lines);
}

/** Leaves out from the end, and the head last, what there is no room for. */
function fitting(parts: readonly string[][], lines: number): string[] {
  const kept = [...parts];
  const count = () => kept.reduce((sum, part) => sum + part.length, 0);
  while (kept.length > 2 && count() > lines) kept.pop();
  if (kept.length > 1 && count() > lines) kept.shift();
  return kept.flat().slice(0, Math.max(0, lines));
}

/** Of widths that do not follow their texts, so that they stand still. */
const table: readonly TableColumn<TraceRow>[] = [
  { head: "LOCK", least: 8, style: () => "bold", text: ({ name }) => name },
  {
    head: "HELD BY",
    width: 20,
    least: 11,
    fills: true,
    style: ({ cells }) => styles[cells.at(-1)?.kind ?? "unseen"],
    text: ({ holders, cells }) => holdersText(holders, cells),
  },
  {
    head: "FOR",
    width: 6,
    align: "right",
    dispensable: 1,
    text: ({ heldSeconds }) => (heldSeconds === null ? "" : fineDurationText(heldSeconds)),
  },
  {
    head: "WAITING",
    width: 7,
    align: "right",
    text: ({ waiters }) => String(waiters),
  },
  {
    head: "LONGEST",
    width: 7,
    align: "right",
    dispensable: 2,
    text: ({ longestWaitSeconds }) =>
      longestWaitSeconds === null ? "-" : fineDurationText(longestWaitSeconds),
  },
  {
    head: "GRANTS/MIN",
    width: 10,
    align: "right",
    dispensable: 3,
    text: ({ grantsPerMinute }) => String(grantsPerMinute),
  },
];

/** There is no picture that says anything in fewer. */
const fewestColumns = 8;

function holdersText(holders: readonly HolderStatus[], cells: readonly Cell[]): string {
  if (cells.at(-1)?.kind === "missing") return "no such lock yet";
  if (holders.length === 0) return "free";
  const count = holders.length === 1 ? "" : `${holders.length} holders: `;
  return count + holders.map(briefHolderText).join(", ");
}

/** The newest cells, the last one at the right edge. */
function cellLine(cells: readonly Cell[], columns: number, paint: Paint): string {
  const shown = cells.slice(-Math.max(1, columns));
  const start = " ".repeat(Math.max(0, columns - shown.length));
  let line = start;
  let [style, run]: [Style | undefined, string] = [undefined, ""];
  const flush = () => {
    if (style !== undefined) line += run.trim() === "" ? run : paint(style, run);
    run = "";
  };
  for (const cell of shown) {
    if (styles[cell.kind] !== style) flush();
    style = styles[cell.kind];
    run += glyphOf(cell);
  }
  flush();
  return line;
}

function glyphOf({ kind, waiters }: Cell): string {
  return kind === "contended" ? (waiters > 9 ? "+" : String(waiters)) : glyphs[kind];
}

/** How long ago the oldest cell was and one in the middle, each under its cell, and `now`. */
function axis(lookSeconds: readonly number[], columns: number, paint: Paint): string {
  const shown = lookSeconds.slice(-columns);
  const newest = shown.at(-1) ?? 0;
  const start = columns - shown.length;
  const end = "now";
  let line = " ".repeat(start);
  for (const index of [0, Math.floor(shown.length / 2)]) {
    const label = `${fineDurationText(newest - (shown[index] ?? newest))} ago`;
    const room = columns - end.length - 1 - (start + index);
    if (line.length > start + index || label.length >= room) continue;
    line = `${line.padEnd(start + index)}${label} `;
  }
  const room = columns - end.length;
  return paint("dim", cutToColumns(line.slice(0, room).padEnd(room) + end, columns));
}

/** One line a lock: its name and its cells. */
function shortLines(rows: readonly TraceRow[], size: PictureSize, paint: Paint): string[] {
  const { columns, lines } = size;
  const names = rows.map(({ name }) => Bun.stringWidth(escapeControls(name)));
  const nameWidth = Math.min(Math.max(...names), Math.floor(columns / 3));
  const found = rows.map(
    ({ name, cells }) =>
      `${paint("bold", fitToColumns(escapeControls(name), nameWidth))} ${cellLine(cells, columns - nameWidth - 1, paint)}`,
  );
  if (found.length <= lines) return found;
  const kept = found.slice(0, Math.max(0, lines - 1));
  const more = `… and ${rows.length - kept.length} more in a higher window`;
  return [...kept, paint("dim", cutToColumns(more, columns))];
}
