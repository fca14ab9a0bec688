/** The last grants of a lock as a picture: who held it when, and who stood waiting. */
import type { GrantRecord } from "../../lock/status.ts";
import { lockStyles, type Paint, type Style } from "../terminal/colors.ts";
import { escapeControls } from "../terminal/escape.ts";
import { legendLines } from "../terminal/legend.ts";
import { counted, cutToColumns, fitToColumns } from "../terminal/text.ts";
import { TimeScale } from "../terminal/time-scale.ts";
import { clockText, dateText, fineDurationText } from "../terminal/time-text.ts";
import { glyphs } from "./glyphs.ts";
import { endingStyles, endingTexts, endOf } from "./history-table.ts";
import { axisLines } from "./time-axis.ts";

const waiting = { glyph: glyphs.shade, style: lockStyles.contended, text: "waits" } as const;
const holding = { glyph: glyphs.full, style: lockStyles.held, text: "holds" } as const;

/** What stands in the last cell of a record that was not simply released. */
const endingGlyphs: Record<GrantRecord["ending"], string> = {
  waiting: ">",
  held: ">",
  detached: ">",
  stale: glyphs.dagger,
  released: "",
  forced: "!",
  replaced: "<",
  recovered: glyphs.dagger,
  superseded: glyphs.cross,
  crowded: glyphs.cross,
  deadlock: glyphs.cross,
  lapsed: glyphs.cross,
};

const endingLegend: Record<string, string> = {
  ">": "goes on",
  "!": endingTexts.forced,
  "<": endingTexts.replaced,
  [glyphs.dagger]: endingTexts.recovered,
  [glyphs.cross]: "not granted",
};

/** There is no picture that says anything in fewer. */
const minColumns = 16;
/** The title, two lines of axis, and one of legend. */
const linesAroundRows = 4;

/**
 * Draws the picture, no line wider than the terminal: a title, a row a record, the time axis, and the legend.
 *
 * @param records at least one
 * @param size what the picture may take; of more records than have room, the last are shown
 * @param look.now seconds since 1970
 * @param look.isWhole whether these are all that is known of the lock; else it may have been held where no record is
 */
export function historyPlot(
  name: string,
  records: readonly GrantRecord[],
  { columns, lines }: { columns: number; lines: number },
  { now, paint, isWhole = true }: { now: number; paint: Paint; isWhole?: boolean },
): string[] {
  if (columns < minColumns) return [cutToColumns("narrow", columns)];
  const sorted = records.toSorted((one, other) => one.queued - other.queued);
  const shown = sorted.slice(-Math.max(1, lines - linesAroundRows));
  const maxLabelColumns = Math.max(6, Math.floor(columns * 0.3));
  const full = labelsOf(shown, false);
  const isCut = widest(full) > maxLabelColumns && maxLabelColumns < minColumnsWithPids;
  const labels = isCut ? labelsOf(shown, true) : full;
  const labelColumns = Math.min(widest(labels), maxLabelColumns);
  const plotColumns = columns - labelColumns - 1;
  const spans = shown.map((record) => ({ start: record.queued, end: lastMoment(record, now) }));
  const scale = new TimeScale(spans, plotColumns);
  const rows = shown.map((record, index) => {
    const label = fitToColumns(labels[index] ?? "", labelColumns);
    return `${label} ${paintCells(cellsOf(record, scale, plotColumns, now), paint)}`;
  });
  const margin = " ".repeat(labelColumns + 1);
  const requests = counted(records.length, "request", "requests");
  const isAll = shown.length === records.length;
  const which = isAll ? requests : `last ${shown.length} of ${requests}`;
  const title = escapeControls(`${name}: ${which}, ${timesText(spans, now)}`);
  return [
    paint("bold", cutToColumns(title, columns)),
    ...rows,
    ...axisLines(scale, plotColumns).map((line) => margin + paint("dim", line)),
    ...legendLines(legendOf(shown, scale, isWhole && isAll), columns, paint),
  ];
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => Bun.stringWidth(text)));
}

/** Labels that are cut to fewer columns have no process ids, so that more is seen of the rest. */
const minColumnsWithPids = 14;

/** Process ids stand at the right of their column, and behind each its host, if that may be another one. */
function labelsOf(records: readonly GrantRecord[], isNarrow: boolean): string[] {
  const pids = records.map(({ pid }) => String(pid ?? "-"));
  const width = Math.max(...pids.map((pid) => pid.length));
  return records.map(({ command, slot, slotName, kind, host }, index) => {
    const unnumbered = kind === "shared" ? "shared" : "";
    const slotText = isNarrow ? slotName : `slot ${slotName ?? slot}`;
    const place = slot === null ? unnumbered : (slotText ?? `slot ${slot}`);
    const at = host === undefined ? "" : ` on ${host}`;
    const who = `${pids[index]?.padStart(width) ?? ""}${at}`;
    const words = [isNarrow && command !== "" ? "" : who, place, command];
    return escapeControls(words.filter((word) => word !== "").join(" "));
  });
}

/** From when to when a picture goes: as in `00:32:34 to 00:32:54`, or within a second `00:32:34`, with dates if it is not all of today. */
function timesText(spans: readonly { start: number; end: number }[], now: number): string {
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.end));
  const [startDay, endDay] = [dateText(start), dateText(end)];
  const from = startDay === dateText(now) ? clockText(start) : `${startDay} ${clockText(start)}`;
  const until = startDay === endDay ? clockText(end) : `${endDay} ${clockText(end)}`;
  return from === until ? from : `${from} to ${until}`;
}

/** When a record ended, or the last that is known of it. */
function lastMoment(record: GrantRecord, now: number): number {
  return Math.max(record.queued, endOf(record, now) ?? record.granted ?? record.queued);
}

interface PlotCell {
  glyph: string;
  style: Style;
}

const blank: PlotCell = { glyph: " ", style: "dim" };
const gap: PlotCell = { glyph: glyphs.gap, style: "dim" };

/** Bars that follow each other share a border, so that no two holders seem to hold at once. */
function cellsOf(record: GrantRecord, scale: TimeScale, columns: number, now: number): PlotCell[] {
  const { queued, granted, ending } = record;
  const end = lastMoment(record, now);
  const start = Math.min(scale.borderOf(granted ?? queued), scale.lastColumnOf(end));
  const stop = Math.max(start + 1, scale.borderOf(end));
  const waits = scale.borderOf(queued);
  const mark = endingGlyphs[ending];
  // When it died nobody knows: it is only sure that it held at first.
  const firstMark = ending === "stale" ? Math.min(start + 1, stop - 1) : stop - 1;
  const cellAt = (column: number): PlotCell => {
    if (column >= firstMark && column < stop && mark !== "") {
      return { glyph: mark, style: endingStyles[ending] };
    }
    if (column >= start && column < stop) return granted === null ? waiting : holding;
    if (column >= waits && column < start) return waiting;
    return scale.breaks.includes(column) ? gap : blank;
  };
  return Array.from({ length: columns }, (_, column) => cellAt(column));
}

function paintCells(cells: readonly PlotCell[], paint: Paint): string {
  let line = "";
  let style: Style = "dim";
  let run = "";
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

/** @param isWhole whether there is no request but these, so that what was cut out was idle */
function legendOf(records: readonly GrantRecord[], scale: TimeScale, isWhole: boolean) {
  const found = new Map(records.map(({ ending }) => [endingGlyphs[ending], endingStyles[ending]]));
  const marks = Object.entries(endingLegend).flatMap(([glyph, text]) => {
    const style = found.get(glyph);
    return style === undefined ? [] : [{ glyph, style, text }];
  });
  const what = isWhole ? "idle cut out" : "cut out";
  const cut = { ...gap, text: `${fineDurationText(scale.cutSeconds)} ${what}` };
  return [waiting, holding, ...marks, ...(scale.breaks.length > 0 ? [cut] : [])];
}
