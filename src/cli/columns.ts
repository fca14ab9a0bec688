/** Texts in columns of a terminal, where a character may take two of them, or none. */

/** A text that takes no more than so many columns, `…` at its end where it was longer. */
export function cutToColumns(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (columns < 1) return "";
  let cut = "";
  let width = 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += Bun.stringWidth(segment);
    if (width > columns) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** A text that takes so many columns, neither more nor fewer. */
export function fitToColumns(
  text: string,
  columns: number,
  align: "left" | "right" = "left",
): string {
  const cut = cutToColumns(text, columns);
  const padding = " ".repeat(Math.max(0, columns - Bun.stringWidth(cut)));
  return align === "left" ? cut + padding : padding + cut;
}
