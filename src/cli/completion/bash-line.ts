/** What stands on a command line of bash before its cursor, and how a word is written there. */

/** The quote that is open at the cursor. */
type Quote = "" | "'" | '"';

interface BashLine {
  /** Unquoted; the last one is the one at the cursor, "" where that stands behind a space. */
  words: string[];
  /** After how many characters of the line each begins, as bash counts them. */
  starts: number[];
  quote: Quote;
}

/** What is read as one: an escape, spaces, quoted text that may still be open, or a character. */
const pieces = /\\[^]?|\s+|\$'|'[^']*'?|"(?:\\[^]|[^"\\])*\\?"?|[^]/g;
const closed = /^(?:'[^']*'|"(?:\\[^]|[^"\\])*")$/;

/**
 * Takes a line apart as far as quotes and backslashes go: nothing in it is expanded.
 *
 * @param line from the command up to the cursor
 * @returns undefined if there is a `$'...'`
 */
export function readBashLine(line: string): BashLine | undefined {
  const words: string[] = [];
  const starts: number[] = [];
  let word: string | undefined;
  let quote: Quote = "";
  for (const { 0: piece, index } of line.matchAll(pieces)) {
    if (piece === "$'") return undefined;
    if (/^\s/.test(piece)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (word === undefined) starts.push(Array.from(line.slice(0, index)).length);
    quote = openQuote(piece);
    word = (word ?? "") + unquoted(piece);
  }
  if (word === undefined) starts.push(Array.from(line).length);
  return { words: [...words, word ?? ""], starts, quote };
}

function openQuote(piece: string): Quote {
  const mark = piece.charAt(0);
  return (mark === "'" || mark === '"') && !closed.test(piece) ? mark : "";
}

function unquoted(piece: string): string {
  const text = closed.test(piece) ? piece.slice(1, -1) : piece.slice(1);
  switch (piece.charAt(0)) {
    case "\\":
    case "'":
      return text;
    case '"':
      // Within double quotes a backslash is itself before most.
      return text.replaceAll(/\\(["$`\\\n]|$)/g, "$1");
    default:
      return piece;
  }
}

/**
 * A word as bash reads it back, however it may look.
 *
 * @param quote what is open before it, and is closed behind it by bash
 */
export function writeBashWord(word: string, quote: Quote): string {
  if (quote === "'") return word.replaceAll("'", String.raw`'\''`);
  // An exclamation mark has no escape within double quotes.
  if (quote === '"') return word.replaceAll(/["$`\\]/g, String.raw`\$&`).replaceAll("!", `"'!'"`);
  return word.replaceAll(/[^\w.,:=@%+/\-\u0080-\uFFFF]/g, String.raw`\$&`);
}
