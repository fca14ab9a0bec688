/** Texts that others wrote, made safe to show. */

/**
 * C0 and C1 controls, DEL, and what reorders or breaks lines of text: none of it may reach a terminal from
 * an info text, which anybody who shares the lock can write.
 */
const unsafeCharacters =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;

/** Texts without any of these need no look at what is invisible: that takes an expression that is slow to compile. */
const beyondLatin1 = /[\u00AD\u0100-\uFFFF]/;

/**
 * What is invisible: two names that differ in it would look alike. The joiner and the selector of emoji stay where
 * they belong to one.
 */
const invisibleCharacters =
  // oxlint-disable-next-line no-misleading-character-class
  /[\u00AD\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B\u200C\u2060-\u2065\u206A-\u206F\u3164\uFE00-\uFE0E\uFEFF\uFFA0\uFFF0-\uFFFB]|(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D|\u200D(?!\p{Extended_Pictographic})|(?<![\p{Emoji}])\uFE0F|[\u{E0000}-\u{E0FFF}]/gu;

const shortEscapes: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text as it may be shown: control characters as `\n`, `\x1b`, `\u202e`. */
export function escapeControls(text: string): string {
  return withInvisible(text.replace(unsafeCharacters, escaped));
}

function escaped(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : unicodeEscape(character);
}

/** As in `\u202e`; a character of two UTF-16 units takes two. */
function unicodeEscape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}

/** Escapes what is there but cannot be seen. */
function withInvisible(text: string): string {
  if (!beyondLatin1.test(text)) return text;
  return withMarksApart(text.replace(invisibleCharacters, unicodeEscape));
}

/**
 * Escapes each mark that Unicode has a single character for together with the letter before it: `e\u0301` must not
 * look like the other name `é`.
 */
function withMarksApart(text: string): string {
  if (text.normalize("NFC") === text) return text;
  return text.replace(/(?<=(.))\p{M}/gsu, (mark, before: string) =>
    (before + mark).normalize("NFC") === before + mark ? mark : unicodeEscape(mark),
  );
}

/** The same for a text of several lines: its newlines and tabs stay as they are. */
export function escapeLines(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => escapeControls(part));
}

/** An object as one line of JSON that is safe to show: JSON itself lets C1 controls and the like through. */
export function jsonLine(value: object): string {
  return withInvisible(JSON.stringify(value).replace(unsafeCharacters, unicodeEscape));
}
