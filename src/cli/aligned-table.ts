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
  const shown = table.filter(({ fromColumns = 0 }) => columns >= fromColumns);
  const texts = shown.map((column) => rows.map((row) => escapeControls(column.text(row))));
  const widths = widthsOf(shown, texts, columns);
  const line = (cell: (index: number) => string, style: (index: number) => Style | undefined) =>
    shown
      .map(({ align }, index) => {
        const fitted = fitToColumns(cell(index), widths[index] ?? 0, align);
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
        (index) => texts[index]?.[number] ?? "",
        (index) => shown[index]?.style?.(row),
      ),
    ),
  ];
}

function widthsOf<Row>(
  table: readonly TableColumn<Row>[],
  texts: readonly (readonly string[])[],
  columns: number,
): number[] {
  const fixed = table.map(({ width }) => (typeof width === "number" ? width : 0));
  const rest = Math.max(0, columns - gap.length * (table.length - 1) - sum(fixed));
  const widths = table.map(({ head, width, mostOfRest = 1 }, index) => {
    if (typeof width === "number") return width;
    const widest = Math.max(
      ...[head, ...(texts[index] ?? [])].map((text) => Bun.stringWidth(text)),
    );
    if (columns === Infinity) return widest;
    return width === "rest" ? 0 : Math.min(widest, Math.floor(rest * mostOfRest));
  });
  const left = Math.max(0, columns - gap.length * (table.length - 1) - sum(widths));
  return table.map(({ width }, index) =>
    width === "rest" && columns !== Infinity ? left : (widths[index] ?? 0),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
