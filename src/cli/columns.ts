/** Texts in the columns of a terminal. */

/** One is dear to make, and few texts need it. */
let segmenter: Intl.Segmenter | undefined;

/** A text that takes no more than so many columns of a terminal, `…` at its end where it was longer. */
export function cutToColumns(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (/^[ -~]*$/.test(text)) return `${text.slice(0, columns - 1)}…`;
  let cut = "";
  let width = 1;
  segmenter ??= new Intl.Segmenter();
  for (const { segment } of segmenter.segment(text)) {
    width += Bun.stringWidth(segment);
    if (width > columns) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** A column of a {@link table}. */
export interface TableColumn {
  head: string;
  /** Numbers and durations stand at the right. */
  right?: boolean;
  /** How narrow it may get; undefined where all of it has to be seen. */
  least?: number;
}

const gap = "  ";

/**
 * Lines of aligned columns, heads first. Where they are wider than `width`, the widest are cut first, and where all
 * are as narrow as they may be, columns are left out from the last one on.
 *
 * @param paint what to do to a cell once its width is known; the row is -1 for the heads
 */
export function table(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: (text: string, row: number, column: number) => string,
): string[] {
  const widths = widthsWithin(columns, rows, width);
  return [columns.map(({ head }) => head), ...rows].map((cells, index) => {
    const last = widths.length - 1;
    const line = widths.map((columnWidth, column) => {
      const text = cutToColumns(cells[column] ?? "", columnWidth);
      const space = " ".repeat(columnWidth - Bun.stringWidth(text));
      const painted = paint(text, index - 1, column);
      if (columns[column]?.right === true) return space + painted;
      return column === last ? painted : painted + space;
    });
    return line.join(gap);
  });
}

function widthsWithin(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): number[] {
  const widths = columns.map(({ head }, column) =>
    rows.reduce((most, row) => Math.max(most, Bun.stringWidth(row[column] ?? "")), head.length),
  );
  const least = columns.map((column, index) =>
    Math.min(widths[index] ?? 0, column.least ?? Infinity),
  );
  while (widths.length > 1 && totalWidth(least) > width) {
    widths.pop();
    least.pop();
  }
  for (let excess = totalWidth(widths) - width; excess > 0; excess = totalWidth(widths) - width) {
    const spare = widths.map((each, index) => (each > (least[index] ?? 0) ? each : 0));
    const [widest = 0, next = 0] = spare.toSorted((one, other) => other - one);
    if (widest === 0) break;
    // The last of several, whose text is the one that can best be done without.
    const column = spare.lastIndexOf(widest);
    const cut = Math.max(1, Math.min(excess, widest - next));
    widths[column] = Math.max(least[column] ?? 0, widest - cut);
  }
  return widths;
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1));
}
