/** Tables with aligned columns, cut to the terminal's width. */
import type { Paint, Style } from "./colors.ts";
import { fitToColumns } from "./columns.ts";
import { escapeControls } from "./escape.ts";

/** A column of a table: its head, how it is laid out and what stands in it. */
export interface TableColumn<Row> {
  head: string;
  align?: "left" | "right";
  /**
   * So many columns of the terminal; by default as many as its widest text takes. The one `rest` column has what
   * the others leave.
   */
  width?: number | "rest";
  /** What part a column by its widest text may take of what those with a number leave. Default: all. */
  mostOfRest?: number;
  /** Left out on terminals with fewer columns than this. Default: never. */
  fromColumns?: number;
  style?: (row: Row) => Style | undefined;
  text: (row: Row) => string;
}

const gap = "  ";

/**
 * The heads, then a line a row.
 *
 * @param columns how wide the terminal is; Infinity where nothing is to be cut
 */
export function tableLines<Row>(
  table: readonly TableColumn<Row>[],
  rows: readonly Row[],
  columns: number,
  paint: Paint,
): string[] {
  const shown = table
    .filter(({ fromColumns = 0 }) => columns >= fromColumns)
    .map((column) => ({ ...column, texts: rows.map((row) => escapeControls(column.text(row))) }));
  const fixed = shown.map(({ width }) => (typeof width === "number" ? width : 0));
  const gaps = gap.length * (shown.length - 1);
  const rest = Math.max(0, columns - gaps - sum(fixed));
  const widths = shown.map(({ head, texts, width, mostOfRest = 1 }) => {
    if (typeof width === "number") return width;
    const widest = Math.max(...[head, ...texts].map((text) => Bun.stringWidth(text)));
    if (width === "rest" && columns !== Infinity) return 0;
    return Math.min(widest, mostOfRest === 1 ? rest : Math.floor(rest * mostOfRest));
  });
  const left = Math.max(0, columns - gaps - sum(widths));
  const line = (cell: (index: number) => string, style: (index: number) => Style | undefined) =>
    shown
      .map(({ align = "left", width }, index) => {
        const own = width === "rest" && columns !== Infinity ? left : (widths[index] ?? 0);
        const fitted = fitToColumns(cell(index), own, align);
        const text = index === shown.length - 1 ? fitted.trimEnd() : fitted;
        const chosen = style(index);
        return chosen === undefined ? text : paint(chosen, text);
      })
      .join(gap);
  return [
    line(
      (index) => shown[index]?.head ?? "",
      () => "dim",
    ),
    ...rows.map((row, number) =>
      line(
        (index) => shown[index]?.texts[number] ?? "",
        (index) => shown[index]?.style?.(row),
      ),
    ),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
