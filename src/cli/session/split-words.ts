/** A request's line, taken apart into words as a shell does. */
import { UsageError } from "../arguments/words.ts";

const unended = (quote: string) => new UsageError(`a word starts with ${quote} and does not end`);

/** What stands after a backslash in `$'...'`, as bash's `printf %q` writes it. */
const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** A part of a word, from where the last one ended. */
const part = new RegExp(
  [
    String.raw`(?<space>[ \t]+)`,
    String.raw`'(?<single>[^']*)'`,
    String.raw`\$'(?<ansi>(?:[^'\\]|\\[^])*)'`,
    String.raw`"(?<double>(?:[^"\\]|\\[^])*)"`,
    String.raw`\\(?<escaped>[^])`,
    String.raw`(?<plain>[^ \t'"\\$]+|\$)`,
  ].join("|"),
  "y",
);

/**
 * Splits a line into words: by spaces and tabs, with `'...'`, `"..."`, `\` and bash's `$'...'` for what is to stay
 * together. Nothing is expanded: `$HOME` and `*` stand for themselves.
 *
 * @throws {UsageError} for a quote that is not closed
 * @example
 * ```ts
 * splitWords("get 'i2c 1' -m \"it's mine\""); // ["get", "i2c 1", "-m", "it's mine"]
 * ```
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  part.lastIndex = 0;
  while (part.lastIndex < line.length) {
    const at = part.lastIndex;
    const { groups } = part.exec(line) ?? {};
    if (groups === undefined) throw unended(line.startsWith("$'", at) ? "$'" : line.charAt(at));
    if (groups["space"] === undefined) word = (word ?? "") + textOf(groups);
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function textOf(groups: Record<string, string | undefined>): string {
  const { single, ansi, double, escaped, plain } = groups;
  if (ansi !== undefined) return withoutEscapes(ansi);
  // Between double quotes a backslash is one unless one of these follows: POSIX, 2.2.3.
  if (double !== undefined) return double.replaceAll(/\\([$`"\\])/g, "$1");
  return single ?? escaped ?? plain ?? "";
}

/** The text of `$'...'`; its octal numbers are bytes, several of which may be one character of UTF-8. */
function withoutEscapes(text: string): string {
  return text.replaceAll(
    /((?:\\[0-7]{1,3})+)|\\([^])/g,
    (_, numbers: string | undefined, letter: string) => {
      if (numbers === undefined) return escapes[letter] ?? letter;
      const codes = numbers.split("\\").slice(1);
      return Buffer.from(codes.map((code) => Number.parseInt(code, 8))).toString();
    },
  );
}
