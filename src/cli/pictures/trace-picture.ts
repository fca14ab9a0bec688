/** The picture that `trace` draws on a terminal: of each lock a line of words and a line of cells, one a look. */
import { briefHoldersText } from "../status/status-text.ts";
import { tableLines, type TableColumn } from "../terminal/aligned-table.ts";
import { lockStyles, type Paint, type Style } from "../terminal/colors.ts";
import { escapeControls } from "../terminal/escape.ts";
import { legendLines } from "../terminal/legend.ts";
import { counted, cutToColumns, fitToColumns } from "../terminal/text.ts";
import { fineDurationText } from "../terminal/time-text.ts";
import { glyphs } from "./glyphs.ts";
import type { Cell, CellKind, TraceRow } from "./timeline.ts";

/** What the picture may take of the terminal. */
export interface PictureSize {
  columns: number;
  lines: number;
}

/** How the picture is to look at the moment. */
export interface PictureOptions {
  paint: Paint;
  /** The lock that keys act upon; undefined draws no mark. */
  selected?: string | undefined;
  /** Lines at the end that are shown before all others: a question, the keys. */
  footer?: readonly string[];
}

/** One glyph each, so that nothing is told by colour alone; of `contended` it is the count of waiters. */
const kindGlyphs: Record<CellKind, string> = {
  missing: " ",
  unseen: " ",
  free: glyphs.dot,
  briefly: glyphs.half,
  held: glyphs.full,
  contended: "1-9",
  stale: glyphs.dagger,
};

const kindStyles: Record<CellKind, Style> = {
  missing: lockStyles.free,
  unseen: lockStyles.unknown,
  free: lockStyles.free,
  briefly: lockStyles.held,
  held: lockStyles.held,
  contended: lockStyles.contended,
  stale: lockStyles.broken,
};

const legendTexts: readonly (readonly [kind: CellKind, text: string])[] = [
  ["free", "free"],
  ["held", "held"],
  ["contended", "held, so many wait"],
  ["briefly", "held in between"],
  ["stale", "holder died"],
];

/** There is no picture that says anything in fewer. */
const minColumns = 8;

/**
 * Draws the lines of the picture, none wider than the terminal. If there are too many, the legend is left out first,
 * then the time axis and the heads of columns, then each lock's line of words, which may give the legend its place
 * back, then the locks that are farthest from the selected one.
 *
 * @param lookSeconds when the cells were looked at, on one clock, oldest first: as many as each row has cells
 */
export function tracePicture(
  rows: readonly TraceRow[],
  lookSeconds: readonly number[],
  { columns, lines }: PictureSize,
  { paint, selected, footer = [] }: PictureOptions,
): string[] {
  if (columns < minColumns) return [cutToColumns("narrow", columns)].slice(0, lines);
  const glyphOf = glyphsFor(paint);
  const room = Math.max(0, lines - footer.length);
  const end = footer.map((line) => cutToColumns(line, columns)).slice(0, Math.max(0, lines));
  const legend = legendLines(legendFor(paint), columns, paint);
  if (rows.length * 2 <= room) {
    const [head = "", ...states] = tableLines(tableWith(selected), rows, columns, paint);
    const full = rows.flatMap((row, index) => [
      states[index] ?? "",
      cellLine(row.cells, columns, paint, glyphOf),
    ]);
    const parts = [[head], full, [axis(lookSeconds, columns, paint)], legend];
    return [...fitting(parts, room), ...end];
  }
  const short = shortLines(rows, { columns, lines: room }, paint, selected);
  const isLegendSeen = short.length + legend.length <= room;
  return [...short.slice(0, room), ...(isLegendSeen ? legend : []), ...end];
}

/** Leaves out from the end, and the head last, what there is no room for. */
function fitting(parts: readonly string[][], lines: number): string[] {
  const kept = [...parts];
  const count = () => kept.reduce((sum, part) => sum + part.length, 0);
  while (kept.length > 2 && count() > lines) kept.pop();
  if (kept.length > 1 && count() > lines) kept.shift();
  return kept.flat().slice(0, Math.max(0, lines));
}

/** A table whose columns keep their widths, whatever their texts, so that they stand still. */
function tableWith(selected: string | undefined): TableColumn<TraceRow>[] {
  const marks = selected === undefined ? [] : [markColumn(selected)];
  return [...marks, ...table];
}

function markColumn(selected: string): TableColumn<TraceRow> {
  return {
    head: "",
    width: 1,
    style: () => "bold",
    text: ({ name }) => (name === selected ? ">" : ""),
  };
}

const table: readonly TableColumn<TraceRow>[] = [
  { head: "LOCK", minWidth: 8, style: () => "bold", text: ({ name }) => name },
  {
    head: "HELD BY",
    width: 20,
    minWidth: 11,
    fills: true,
    style: ({ cells }) => kindStyles[cells.at(-1)?.kind ?? "unseen"],
    text: rowHoldersText,
  },
  {
    head: "FOR",
    width: 6,
    align: "right",
    dispensable: 1,
    text: ({ holdSeconds }) => (holdSeconds === null ? "" : fineDurationText(holdSeconds)),
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

function rowHoldersText({ holders, cells }: TraceRow): string {
  if (cells.at(-1)?.kind === "missing") return "no such lock yet";
  if (cells.at(-1)?.kind === "unseen") return "?";
  return holders.length === 0 ? "free" : briefHoldersText(holders);
}

type GlyphOf = (cell: Cell) => string;

/** Draws waiters as bars with colours, and as digits without: a bar alone could be part of a held cell. */
function glyphsFor(paint: Paint): GlyphOf {
  const bars = isColored(paint) ? Array.from(glyphs.bars) : [];
  return ({ kind, waiters }) => {
    if (kind !== "contended") return kindGlyphs[kind];
    if (bars.length > 0) return bars[Math.min(waiters, bars.length) - 1] ?? "";
    return waiters > 9 ? "+" : String(waiters);
  };
}

function isColored(paint: Paint): boolean {
  return paint("dim", "x") !== "x";
}

function legendFor(paint: Paint) {
  const [lowest, highest] = [glyphs.bars.at(0), glyphs.bars.at(-1)];
  const hasBars = isColored(paint) && lowest !== undefined;
  const contended = hasBars ? `${lowest}${highest}` : kindGlyphs.contended;
  return legendTexts.map(([kind, text]) => ({
    glyph: kind === "contended" ? contended : kindGlyphs[kind],
    style: kindStyles[kind],
    text,
  }));
}

/** The newest cells, the last one at the right edge. */
function cellLine(cells: readonly Cell[], columns: number, paint: Paint, glyphOf: GlyphOf): string {
  const shown = cells.slice(-Math.max(1, columns));
  let line = " ".repeat(Math.max(0, columns - shown.length));
  let style: Style | undefined;
  let run = "";
  const flush = () => {
    if (style !== undefined) line += run.trim() === "" ? run : paint(style, run);
    run = "";
  };
  for (const cell of shown) {
    if (kindStyles[cell.kind] !== style) flush();
    style = kindStyles[cell.kind];
    run += glyphOf(cell);
  }
  flush();
  return line;
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

/** One line a lock: its name and its cells; those around the selected one, if there are too many. */
function shortLines(
  rows: readonly TraceRow[],
  { columns, lines }: PictureSize,
  paint: Paint,
  selected: string | undefined,
): string[] {
  const names = rows.map(({ name }) => Bun.stringWidth(escapeControls(name)));
  const nameWidth = Math.min(Math.max(...names), Math.floor(columns / 3));
  const mark = (name: string) =>
    selected === undefined ? "" : paint("bold", name === selected ? "> " : "  ");
  const markWidth = selected === undefined ? 0 : 2;
  const glyphOf = glyphsFor(paint);
  const lineOf = ({ name, cells }: TraceRow) =>
    `${mark(name)}${paint("bold", fitToColumns(escapeControls(name), nameWidth))} ${cellLine(cells, columns - nameWidth - markWidth - 1, paint, glyphOf)}`;
  if (rows.length <= lines) return rows.map(lineOf);
  const count = Math.max(0, lines - 1);
  const index = Math.max(
    0,
    rows.findIndex(({ name }) => name === selected),
  );
  const first = Math.max(0, Math.min(index - Math.floor(count / 2), rows.length - count));
  const more = counted(rows.length - count, "more lock", "more locks");
  return [
    ...rows.slice(first, first + count).map(lineOf),
    paint("dim", cutToColumns(more, columns)),
  ];
}
