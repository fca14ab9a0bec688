/** Texts that others wrote, made safe to show. */

/**
 * C0 and C1 controls, DEL, and what reorders or breaks lines of text: none of it may reach a terminal from
 * an info text, which anybody who shares the lock can write.
 */
const unsafeCharacters =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;

const shortEscapes: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text as it may be shown: control characters as `\n`, `\x1b`, `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(unsafeCharacters, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    return (
      shortEscapes[character] ??
      (code < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`)
    );
  });
}

/** The same for a text of several lines: its newlines and tabs stay as they are. */
export function escapeLines(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => escapeControls(part));
}

/** An object as one line of JSON that is safe to show: JSON itself lets C1 controls and the like through. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(
    unsafeCharacters,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
