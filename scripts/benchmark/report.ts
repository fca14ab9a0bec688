/** What a work has found, and its form in Markdown. */
import type { Entry } from "./interleave.ts";
import type { Shape } from "./shapes.ts";
import { figure, median, ratio, spread } from "./statistics.ts";

/** What was aimed at, and what came of it. */
export interface Aim {
  aim: string;
  measured: string;
  /** Undefined where it could not be measured. */
  met: boolean | undefined;
  /** What nothing of this kind can be better than. */
  limit?: string;
  /** Why it is not met, where that is known. */
  why?: string;
}

/** What one work has found. */
export interface Findings {
  /** What was done, in a sentence or two. */
  how: string;
  tables: Table[];
  aims: Aim[];
  notes?: string[];
  /** For the picture of what is chosen when. */
  shapes?: Shape[];
}

export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** A work that could not be done at all. */
export function notMeasured(how: string, why: string, aims: readonly string[] = []): Findings {
  const undone = aims.map((aim): Aim => ({ aim, measured: why, met: undefined }));
  return { how, tables: [], aims: undone, notes: [`Missing here: ${why}`] };
}

/** A row an entry: its median, spread and count, and how many times the median of each base that is. */
export function tableOf(
  entries: readonly Entry[],
  values: ReadonlyMap<string, readonly number[]>,
  { unit, bases }: { unit: string; bases: readonly string[] },
): Table {
  const valuesOf = (name: string) => values.get(name) ?? [];
  return {
    columns: ["", `median ${unit}`, "p10 – p90", "n", ...bases.map((base) => `x ${base}`)],
    rows: entries.map(({ name, missing }) => {
      if (missing !== undefined) {
        return [name, `missing: ${missing}`, "", "", ...bases.map(() => "")];
      }
      const mine = valuesOf(name);
      const ratios = bases.map((base) => figure(ratio(mine, valuesOf(base))));
      return [name, figure(median(mine)), spread(mine), String(mine.length), ...ratios];
    }),
  };
}

/** An aim that a value stays below a limit, `unit` and all. */
export function atMost(aim: string, value: number, limit: number, unit = ""): Aim {
  const met = Number.isFinite(value) ? value <= limit : undefined;
  return { aim, measured: measuredText(value, unit), met };
}

/** An aim that a value reaches a limit. */
export function atLeast(aim: string, value: number, limit: number, unit = ""): Aim {
  const met = Number.isFinite(value) ? value >= limit : undefined;
  return { aim, measured: measuredText(value, unit), met };
}

function measuredText(value: number, unit: string): string {
  return Number.isFinite(value) ? `${figure(value)}${unit}` : "not measured here";
}

/** The parts of a page, each with its heading. */
export function findingsText(title: string, { how, tables, aims, notes = [] }: Findings): string {
  const parts = [`## ${title}`, how, ...tables.map(tableText)];
  if (aims.length > 0) parts.push(tableText(aimsTable(aims)));
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}`).join("\n"));
  return parts.join("\n\n");
}

export function aimsTable(aims: readonly Aim[]): Table {
  return {
    columns: ["aim", "limit", "measured", "met"],
    rows: aims.map(({ aim, limit = "", measured, met }) => [aim, limit, measured, metText(met)]),
  };
}

/** Why aims are not met, as far as that is known. */
export function reasons(aims: readonly Aim[]): string[] {
  const texts = aims.flatMap(({ why, met }) => (why === undefined || met !== false ? [] : [why]));
  return [...new Set(texts)];
}

function metText(met: boolean | undefined): string {
  if (met === undefined) return "?";
  return met ? "yes" : "**no**";
}

export function tableText({ columns, rows }: Table): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = columns.map((_, column) =>
    Math.max(3, ...cells.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => padded(row[column] ?? "", width)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

function padded(cell: string, width: number): string {
  return cell + " ".repeat(width - Bun.stringWidth(cell));
}
