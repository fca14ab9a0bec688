/** Sentences in lines. */

/** The lines of a text that are no wider than so many columns, but for words that are. */
export function wrap(text: string, columns: number): string[] {
  const lines = [""];
  let width = 0;
  for (const word of text.split(" ")) {
    const wordWidth = Bun.stringWidth(word);
    if (width > 0 && width + 1 + wordWidth > columns) {
      lines.push(word);
      width = wordWidth;
    } else {
      lines[lines.length - 1] += width > 0 ? ` ${word}` : word;
      width += (width > 0 ? 1 : 0) + wordWidth;
    }
  }
  return lines;
}
