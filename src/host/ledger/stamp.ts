/**
 * The stamp of a grant: the seconds and microseconds of the date that its info text begins with. No time zone, no step
 * of the clock and no repeated hour changes them, so they tell whose text it is: the holder's, which the record has
 * too, or that of a peer that forced the lock and took it.
 *
 * Whoever only sets a text writes it and its NUL over the one before, so that what stands behind a short text still
 * shows a part of the date of the last grant: its remnant.
 */

/** `YYYY-MM-DD HH:MM:SS.ffffff - `: a digit stands for each `0`. */
const template = "0000-00-00 00:00:00.000000 - ";
/** How many bytes of a segment tell the stamp. */
export const stampedBytes = template.length;
/** Where `SS.ffffff` stands. */
const stampStart = 17;
const stampEnd = 26;
/** Where a date without microseconds has its ` - `: Python leaves them out when there are none. */
const shortTemplate = "0000-00-00 00:00:00 - ";

/** What the first bytes of a segment tell of the last grant. */
export interface Stamp {
  /** Whether the text itself begins with a date. */
  readonly isDated: boolean;
  /** What is visible of `SS.ffffff`: the end of it when it is a remnant, "" for nothing. */
  readonly digits: string;
}

/** Nothing tells of a grant. */
export const noStamp: Stamp = { isDated: false, digits: "" };

/**
 * Reads the stamp.
 *
 * @param head the first bytes of the segment, {@link stampedBytes} of them if it has so many
 * @param textBytes how long the text is, up to its NUL
 */
export function stampOf(head: Uint8Array, textBytes: number): Stamp {
  if (matches(head, template, 0, textBytes)) {
    return { isDated: true, digits: latin(head, stampStart) };
  }
  if (matches(head, shortTemplate, 0, textBytes)) {
    return { isDated: true, digits: `${latin(head, stampStart).slice(0, 2)}.000000` };
  }
  // Behind the NUL.
  const start = textBytes + 1;
  if (start >= stampEnd || !matches(head, template, start, head.length)) return noStamp;
  return { isDated: false, digits: latin(head, Math.max(start, stampStart)) };
}

function matches(head: Uint8Array, form: string, start: number, end: number): boolean {
  if (end < form.length) return false;
  for (let at = start; at < form.length; at++) {
    const byte = head[at] ?? 0;
    const isDigit = byte >= 48 && byte <= 57;
    if (form[at] === "0" ? !isDigit : byte !== form.charCodeAt(at)) return false;
  }
  return true;
}

function latin(head: Uint8Array, start: number): string {
  return String.fromCharCode(...head.subarray(start, stampEnd));
}

/** Whether what is visible of a stamp is that of a grant; nothing visible is nobody's. */
export function isStampOf({ digits }: Stamp, grantedAt: number): boolean {
  return stampText(grantedAt).endsWith(digits);
}

/** `SS.ffffff` of a time in microseconds. */
function stampText(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1e6) % 60;
  const fraction = Math.floor(microseconds % 1e6);
  return `${String(seconds).padStart(2, "0")}.${String(fraction).padStart(6, "0")}`;
}
