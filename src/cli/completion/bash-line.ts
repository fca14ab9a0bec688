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

/**
 * Takes a line apart as far as quotes and backslashes go: nothing in it is expanded.
 *
 * @param line from the command up to the cursor
 * @returns undefined where there is a `$'...'`
 */
export function readBashLine(line: string): BashLine | undefined {
  const words: string[] = [];
  const starts: number[] = [];
  let word: string | undefined;
  let quote: Quote = "";
  for (let index = 0; index < line.length; index++) {
    const character = line.charAt(index);
    const next = line.charAt(index + 1);
    if (word === undefined && !/\s/.test(character)) {
      starts.push(Array.from(line.slice(0, index)).length);
    }
    // Within double quotes a backslash is itself before most.
    const escapes = quote === "" || (quote === '"' && '"$`\\\n'.includes(next));
    if (character === "\\" && escapes) {
      word = (word ?? "") + next;
      index += 1;
    } else if (quote === "" && character === "$" && next === "'") {
      return undefined;
    } else if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === quote) {
      quote = "";
    } else if (quote === "" && (character === "'" || character === '"')) {
      quote = character;
      word ??= "";
    } else {
      word = (word ?? "") + character;
    }
  }
  if (word === undefined) starts.push(Array.from(line).length);
  return { words: [...words, word ?? ""], starts, quote };
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
