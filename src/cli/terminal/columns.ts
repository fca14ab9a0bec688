/** Texts in columns of a terminal, where a character may take two of them, or none. */

/** One is dear to make, and few texts need it. */
let segmenter: Intl.Segmenter | undefined;

/** A text that takes no more than so many columns, `…` at its end where it was longer. */
export function cutToColumns(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (columns < 1) return "";
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

/** A text that takes so many columns, neither more nor fewer. */
export function fitToColumns(text: string, columns: number): string {
  const cut = cutToColumns(text, columns);
  return cut + " ".repeat(Math.max(0, columns - Bun.stringWidth(cut)));
}
