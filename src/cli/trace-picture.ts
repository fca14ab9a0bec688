/** The picture that `trace` draws on a terminal: of each lock a line of words and a line of cells, one a look. */
import type { HolderStatus } from "../lock/lock-status.ts";
import type { Paint, Style } from "./colors.ts";
import { cutToColumns, fitToColumns } from "./columns.ts";
import { escapeControls } from "./escape.ts";
import { fineDurationText } from "./status-text.ts";
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
  stale: "!",
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

const legend: readonly (readonly [kind: CellKind, text: string])[] = [
  ["free", "free"],
  ["held", "held"],
  ["contended", "so many wait"],
  ["briefly", "held in between"],
  ["stale", "holder died"],
];

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
  const words = wordLines(rows, columns, paint);
  const [head = "", ...states] = words;
  const full = rows.flatMap((row, index) => [
    states[index] ?? "",
    cellLine(row.cells, columns, paint),
  ]);
  if (full.length <= lines) {
    return fitting(
      [[head], full, [axis(lookSeconds, columns, paint)], legendLines(columns, paint)],
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

interface Column {
  head: string;
  /** Columns of the terminal; undefined shares what the others leave. */
  width: number | undefined;
  align: "left" | "right";
  /** Shown on terminals from so many columns on. */
  fromColumns: number;
  text(row: TraceRow): string;
}

const table: readonly Column[] = [
  { head: "LOCK", width: undefined, align: "left", fromColumns: 0, text: ({ name }) => name },
  {
    head: "HELD BY",
    width: undefined,
    align: "left",
    fromColumns: 0,
    text: ({ holders, cells }) => holdersText(holders, cells),
  },
  {
    head: "FOR",
    width: 6,
    align: "right",
    fromColumns: 36,
    text: ({ heldSeconds }) => (heldSeconds === null ? "" : fineDurationText(heldSeconds)),
  },
  {
    head: "WAITING",
    width: 7,
    align: "right",
    fromColumns: 24,
    text: ({ waiters }) => String(waiters),
  },
  {
    head: "LONGEST",
    width: 7,
    align: "right",
    fromColumns: 56,
    text: ({ longestWaitSeconds }) =>
      longestWaitSeconds === null ? "-" : fineDurationText(longestWaitSeconds),
  },
  {
    head: "GRANTS/MIN",
    width: 10,
    align: "right",
    fromColumns: 70,
    text: ({ grantsPerMinute }) => String(grantsPerMinute),
  },
];

const gap = "  ";
/** There is no picture that says anything in fewer. */
const fewestColumns = 8;
/** An entry of the legend is not cut. */
const fewestLegendColumns = 20;

/** The heads of the columns, then a line a lock. */
function wordLines(rows: readonly TraceRow[], columns: number, paint: Paint): string[] {
  const shown = table.filter(({ fromColumns }) => columns >= fromColumns);
  const taken = shown.reduce((sum, { width = 0 }) => sum + width, gap.length * (shown.length - 1));
  const left = Math.max(0, columns - taken);
  const names = rows.map(({ name }) => Bun.stringWidth(escapeControls(name)));
  const nameWidth = Math.min(Math.max(4, ...names), Math.floor(left * 0.45));
  const widths = shown.map(
    ({ head, width }) => width ?? (head === "LOCK" ? nameWidth : left - nameWidth),
  );
  const line = (texts: readonly string[], style: (index: number) => Style | undefined) =>
    shown
      .map(({ align }, index) => {
        const text = fitToColumns(escapeControls(texts[index] ?? ""), widths[index] ?? 0, align);
        const chosen = style(index);
        return chosen === undefined ? text : paint(chosen, text);
      })
      .join(gap);
  return [
    line(
      shown.map(({ head }) => head),
      () => "dim",
    ),
    ...rows.map((row) => {
      const state = row.cells.at(-1)?.kind ?? "unseen";
      return line(
        shown.map(({ text }) => text(row)),
        (index) => (index === 0 ? "bold" : index === 1 ? styles[state] : undefined),
      );
    }),
  ];
}

function holdersText(holders: readonly HolderStatus[], cells: readonly Cell[]): string {
  if (cells.at(-1)?.kind === "missing") return "no such lock yet";
  if (holders.length === 0) return "free";
  const count = holders.length === 1 ? "" : `${holders.length} holders: `;
  return count + holders.map(holderText).join(", ");
}

function holderText({ attachment, pid, command, slot }: HolderStatus): string {
  const who = [slot === null ? "" : `slot ${slot}`, pid ?? "", command]
    .filter((word) => word !== "")
    .join(" ");
  switch (attachment) {
    case "attached":
      return who;
    case "detached":
      return "detached, until unget";
    case "bound":
      return `bound to ${pid}`;
    case "foreign":
      return "a peer without a ledger";
    default:
      return who === "" ? "a process that died" : `died: ${who}`;
  }
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

function legendLines(columns: number, paint: Paint): string[] {
  const lines: string[] = [];
  let [line, width] = ["", 0];
  for (const [kind, text] of legend) {
    const entryWidth = Bun.stringWidth(`${glyphs[kind]} ${text}`);
    if (width > 0 && width + gap.length + entryWidth > columns) {
      lines.push(line);
      [line, width] = ["", 0];
    }
    const entry = `${paint(styles[kind], glyphs[kind])} ${paint("dim", text)}`;
    line += width === 0 ? entry : gap + entry;
    width += entryWidth + (width === 0 ? 0 : gap.length);
  }
  lines.push(line);
  return columns < fewestLegendColumns ? [] : lines;
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
