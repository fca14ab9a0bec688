/** The last grants of a lock as a picture: who held it when, and who stood waiting. */
import type { GrantRecord } from "../../lock/status.ts";
import { clockText, dateText } from "../terminal/clock-text.ts";
import type { Paint, Style } from "../terminal/colors.ts";
import { cutToColumns, fitToColumns } from "../terminal/columns.ts";
import { escapeControls } from "../terminal/escape.ts";
import { endingStyles, endingTexts, endOf } from "./history-table.ts";
import { legendLines } from "../terminal/legend.ts";
import { TimeScale } from "../terminal/time-scale.ts";

const waiting = { glyph: "░", style: "yellow", text: "waits" } as const;
const holding = { glyph: "█", style: "green", text: "holds" } as const;
const idle = { glyph: "╎", style: "dim", text: "time left out" } as const;

/** What stands in the last cell of one that was not simply released. */
const endingGlyphs: Record<GrantRecord["ending"], string> = {
  waiting: ">",
  held: ">",
  detached: ">",
  stale: "†",
  released: "",
  forced: "!",
  recovered: "†",
  lapsed: "×",
};

const endingLegend: Record<string, string> = {
  ">": "goes on",
  "!": endingTexts.forced,
  "†": endingTexts.recovered,
  "×": endingTexts.lapsed,
};

/** There is no picture that says anything in fewer. */
const fewestColumns = 16;

/**
 * The picture, no line wider than the terminal: a title, a row a record, the time axis, and the legend.
 *
 * @param records at least one, oldest first
 * @param now seconds since 1970
 */
export function historyPlot(
  name: string,
  records: readonly GrantRecord[],
  columns: number,
  now: number,
  paint: Paint,
): string[] {
  if (columns < fewestColumns) return [cutToColumns("narrow", columns)];
  const labels = records.map((record) => escapeControls(labelOf(record)));
  const widest = Math.max(...labels.map((label) => Bun.stringWidth(label)));
  const labelColumns = Math.min(widest, Math.max(6, Math.floor(columns * 0.3)));
  const plotColumns = columns - labelColumns - 1;
  const spans = records.map((record) => ({ start: record.queued, end: lastMoment(record, now) }));
  const scale = new TimeScale(spans, plotColumns);
  const rows = records.map((record, index) => {
    const label = fitToColumns(labels[index] ?? "", labelColumns);
    return `${label} ${paintCells(cellsOf(record, scale, plotColumns, now), paint)}`;
  });
  const margin = " ".repeat(labelColumns + 1);
  return [
    paint("bold", cutToColumns(titleOf(name, records.length, spans), columns)),
    ...rows,
    ...axisLines(scale, plotColumns).map((line) => margin + paint("dim", line)),
    ...legendLines(legendOf(records, scale), columns, paint),
  ];
}

function labelOf({ pid, command, slot, kind }: GrantRecord): string {
  const place = slot === null ? (kind === "shared" ? "shared" : "") : `slot ${slot}`;
  const label = [pid ?? "", place, command].filter((word) => word !== "").join(" ");
  return label === "" ? "?" : label;
}

function titleOf(
  name: string,
  count: number,
  spans: readonly { start: number; end: number }[],
): string {
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.end));
  const sameDay = dateText(start) === dateText(end);
  const until = `${sameDay ? "" : `${dateText(end)} `}${clockText(end)}`;
  const requests = count === 1 ? "1 request" : `${count} requests`;
  const title = `${name}: ${requests}, ${dateText(start)} ${clockText(start)} to ${until}`;
  return escapeControls(title);
}

/** When it ended, or the last that is known of it. */
function lastMoment(record: GrantRecord, now: number): number {
  return Math.max(record.queued, endOf(record, now) ?? record.granted ?? record.queued);
}

interface PlotCell {
  glyph: string;
  style: Style;
}

const blank: PlotCell = { glyph: " ", style: "dim" };

/** Bars that follow each other share a border, so that no two holders seem to hold at once. */
function cellsOf(record: GrantRecord, scale: TimeScale, columns: number, now: number): PlotCell[] {
  const { queued, granted, ending } = record;
  const end = lastMoment(record, now);
  const start = Math.min(scale.borderOf(granted ?? queued), scale.lastColumnOf(end));
  const stop = Math.max(start + 1, scale.borderOf(end));
  const waits = scale.borderOf(queued);
  const mark = endingGlyphs[ending];
  const cellAt = (column: number): PlotCell => {
    if (column === stop - 1 && mark !== "") return { glyph: mark, style: endingStyles[ending] };
    if (column >= start && column < stop) return granted === null ? waiting : holding;
    if (column >= waits && column < start) return waiting;
    return scale.breaks.includes(column) ? idle : blank;
  };
  return Array.from({ length: columns }, (_, column) => cellAt(column));
}

function paintCells(cells: readonly PlotCell[], paint: Paint): string {
  let line = "";
  let [style, run]: [Style, string] = ["dim", ""];
  const flush = () => {
    line += run.trim() === "" ? run : paint(style, run);
    run = "";
  };
  for (const cell of cells) {
    if (cell.style !== style) flush();
    style = cell.style;
    run += cell.glyph;
  }
  flush();
  return line.trimEnd();
}

/** Ticks at even columns, and under each its time; the last one is at the right edge. */
function axisLines(scale: TimeScale, columns: number): string[] {
  const seconds = scale.timeAt(columns) - scale.timeAt(0);
  const shortest = seconds / columns;
  const text = (column: number) =>
    clockText(scale.timeAt(column), shortest < 0.02 ? 3 : shortest < 0.2 ? 1 : 0);
  const labelColumns = text(0).length;
  if (columns < labelColumns) return ["|".padEnd(columns, "-")];
  const count = Math.max(1, Math.floor((columns - labelColumns) / (labelColumns + 3)));
  let [ticks, labels] = ["", ""];
  for (let index = 0; index < count; index++) {
    const column = Math.round((index * (columns - labelColumns)) / count);
    if (column > 0 && column + labelColumns >= columns - labelColumns) break;
    ticks = `${ticks.padEnd(column, "-")}|`;
    labels = labels.padEnd(column) + text(column);
  }
  ticks = `${ticks.padEnd(columns - 1, "-")}|`;
  if (labels.length + 1 + labelColumns <= columns) {
    labels = labels.padEnd(columns - labelColumns) + text(columns);
  }
  return [ticks, labels];
}

function legendOf(records: readonly GrantRecord[], scale: TimeScale) {
  const found = new Map(records.map(({ ending }) => [endingGlyphs[ending], endingStyles[ending]]));
  const marks = Object.entries(endingLegend).flatMap(([glyph, text]) => {
    const style = found.get(glyph);
    return style === undefined ? [] : [{ glyph, style, text }];
  });
  return [waiting, holding, ...marks, ...(scale.breaks.length > 0 ? [idle] : [])];
}
