/** Tables with aligned columns, cut to the terminal's width. */
import type { Paint, Style } from "./colors.ts";
import { escapeControls } from "./escape.ts";
import { cutToColumns } from "./text.ts";

/** A column of a table: its head, how it is laid out and what stands in it. */
export interface TableColumn<Row> {
  head: string;
  /** Numbers and durations stand at the right. */
  align?: "left" | "right";
  /** Its width in columns of the terminal, if there is room. Default: that of its widest text. */
  width?: number;
  /** How narrow it may get if there is none; undefined if all of it has to be seen. */
  minWidth?: number;
  /** Whether it takes what the others leave of the terminal. */
  fills?: boolean;
  /**
   * When all are as narrow as they may be, columns are left out: those with the highest number first, of one
   * number the last one. Default: 0.
   */
  dispensable?: number;
  style?: (row: Row) => Style | undefined;
  text: (row: Row) => string;
  /** The same in fewer words, for a table that is wider than the terminal. */
  short?: (row: Row) => string;
}

/** A column with its texts, on its way to the width that it gets. */
interface Laid<Row> {
  column: TableColumn<Row>;
  texts: readonly string[];
  width: number;
  minWidth: number;
}

const gap = "  ";

/**
 * The heads, then a line a row. If they are wider than the terminal, the widest columns are cut first.
 *
 * @param columns how wide the terminal is; Infinity when nothing is to be cut
 */
export function tableLines<Row>(
  table: readonly TableColumn<Row>[],
  rows: readonly Row[],
  columns: number,
  paint: Paint,
): string[] {
  const laid = layOut(table, rows, columns);
  const line = (
    textOf: (each: Laid<Row>) => string,
    styleOf: (column: TableColumn<Row>) => Style | undefined,
  ) =>
    laid
      .map((each, index) => {
        const { column, width } = each;
        const text = cutToColumns(textOf(each), width);
        const space = " ".repeat(width - Bun.stringWidth(text));
        const style = styleOf(column);
        const painted = style === undefined || text === "" ? text : paint(style, text);
        if (column.align === "right") return space + painted;
        return index === laid.length - 1 ? painted : painted + space;
      })
      .join(gap)
      .trimEnd();
  return [
    line(
      ({ column }) => column.head,
      () => "dim",
    ),
    ...rows.map((row, index) =>
      line(
        ({ texts }) => texts[index] ?? "",
        ({ style }) => style?.(row),
      ),
    ),
  ];
}

function layOut<Row>(
  table: readonly TableColumn<Row>[],
  rows: readonly Row[],
  columns: number,
): Laid<Row>[] {
  let laid = table.map((column) => natural(column, rows.map(column.text)));
  if (totalWidth(laid) > columns) {
    laid = table.map((column) => natural(column, rows.map(column.short ?? column.text)));
    leaveOut(laid, columns);
    narrow(laid, columns);
  }
  const filling = laid.find(({ column }) => column.fills === true);
  if (filling !== undefined && columns !== Infinity) {
    filling.width += Math.max(0, columns - totalWidth(laid));
  }
  return laid;
}

function natural<Row>(column: TableColumn<Row>, written: readonly string[]): Laid<Row> {
  const texts = written.map(escapeControls);
  const width =
    column.width ??
    [column.head, ...texts].reduce((most, text) => Math.max(most, Bun.stringWidth(text)), 0);
  return { column, texts, width, minWidth: Math.min(width, column.minWidth ?? width) };
}

/** How wide a line of such columns is. */
function totalWidth(laid: readonly { width: number }[]): number {
  return laid.reduce((sum, { width }) => sum + width, gap.length * (laid.length - 1));
}

function leaveOut<Row>(laid: Laid<Row>[], columns: number): void {
  const rank = ({ column }: Laid<Row>) => column.dispensable ?? 0;
  while (
    laid.length > 1 &&
    totalWidth(laid.map(({ minWidth }) => ({ width: minWidth }))) > columns
  ) {
    const highest = Math.max(...laid.map(rank));
    laid.splice(
      laid.findLastIndex((each) => rank(each) === highest),
      1,
    );
  }
}

function narrow<Row>(laid: readonly Laid<Row>[], columns: number): void {
  for (let excess = totalWidth(laid) - columns; excess > 0; excess = totalWidth(laid) - columns) {
    const spare = laid.map(({ width, minWidth }) => (width > minWidth ? width : 0));
    const [widest = 0, next = 0] = spare.toSorted((one, other) => other - one);
    // The last of several, whose text is the one that can best be done without.
    const found = laid[spare.lastIndexOf(widest)];
    if (widest === 0 || found === undefined) break;
    const cut = Math.max(1, Math.min(excess, widest - next));
    found.width = Math.max(found.minWidth, widest - cut);
  }
}
