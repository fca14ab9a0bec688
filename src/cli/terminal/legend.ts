/** What the glyphs of a picture mean. */
import type { Paint, Style } from "./colors.ts";

export interface LegendEntry {
  glyph: string;
  style: Style;
  text: string;
}

const gap = "  ";

/** The legend, in as many lines as it takes; none when an entry is wider than the terminal. */
export function legendLines(
  entries: readonly LegendEntry[],
  columns: number,
  paint: Paint,
): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  for (const { glyph, style, text } of entries) {
    const entryWidth = Bun.stringWidth(`${glyph} ${text}`);
    if (entryWidth > columns) return [];
    if (width > 0 && width + gap.length + entryWidth > columns) {
      lines.push(line);
      line = "";
      width = 0;
    }
    line += `${width === 0 ? "" : gap}${paint(style, glyph)} ${paint("dim", text)}`;
    width += entryWidth + (width === 0 ? 0 : gap.length);
  }
  return [...lines, line];
}
