/**
 * The info text of a lock, `YYYY-MM-DD HH:MM:SS.ffffff - text` in local time: what the Python module
 * cjnfuncs.resourcelock writes as `f"{datetime.datetime.now()} - {lock_info}"`, UTF-8, ended by NUL.
 * (Python leaves `.ffffff` out in the one case in a million where it is zero.)
 */
import { LockInfoError } from "./errors.ts";

const encoder = new TextEncoder();
/** A byte order mark is part of the text. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a grant puts before its text. */
const dateOfGrant = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})? - /;

/** The text that a grant writes. @param timestamp the local time of the grant, `YYYY-MM-DD HH:MM:SS.ffffff` */
export function formatLockInfo(text: string, timestamp: string): string {
  return `${timestamp} - ${text}`;
}

/**
 * An info text as the bytes that stand in a segment of `segmentBytes`, its NUL included.
 *
 * @throws {LockInfoError} where it does not fit, or would be cut short by a NUL of its own
 */
export function encodeLockInfo(info: string, segmentBytes: number): Uint8Array {
  if (info.includes("\0")) {
    throw new LockInfoError("Cannot store the info text: it contains a NUL byte");
  }
  const bytes = encoder.encode(`${info}\0`);
  if (bytes.length > segmentBytes) {
    const parts = dateOfGrant.test(info) ? "its date and its end mark" : "its end mark";
    throw new LockInfoError(
      `Cannot store the info text: it takes ${bytes.length} bytes with ${parts}, and there is room for ${segmentBytes}`,
    );
  }
  return bytes;
}

/** The text in a segment: up to its NUL or its end; what is not UTF-8 becomes U+FFFD. */
export function decodeLockInfo(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** An info text without the date that a grant put before it. */
export function withoutDate(info: string): string {
  return info.replace(dateOfGrant, "");
}

/** When the grant was made whose date stands before an info text, in seconds since 1970; undefined without a date. */
export function momentOfGrant(info: string): number | undefined {
  const [date] = dateOfGrant.exec(info) ?? [];
  if (date === undefined) return undefined;
  const milliseconds = Date.parse(date.slice(0, 23).replace(" - ", "").replace(" ", "T"));
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
