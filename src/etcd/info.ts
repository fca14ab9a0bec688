/** Info texts of locks on a server: the last grant's, or a later one that was written by hand. */
import { LockInfoError } from "../lock/errors.ts";
import { formatLockInfo } from "../lock/info-text.ts";
import { timestampOf } from "../posix/clock.ts";
import type { EntryValue } from "./entry.ts";

/** As long as on one host, where a segment of a page has to hold it. */
const maxMessageBytes = 4000;

/** @throws {LockInfoError} if a message or an info text cannot be stored */
export function requireInfoFits(text: string): void {
  if (text.includes("\0")) {
    throw new LockInfoError("Cannot store the info text: it has a NUL in it");
  }
  const { length } = Buffer.from(text);
  if (length <= maxMessageBytes) return;
  throw new LockInfoError(
    `Cannot store the info text: it takes ${length} bytes, and ${maxMessageBytes} are allowed`,
  );
}

/** The info text that a grant stands for; empty for that of another program. */
export function formatGrantInfo(
  value: Pick<EntryValue, "message" | "granted"> | undefined,
): string {
  if (value?.granted === undefined) return "";
  const seconds = Math.floor(value.granted);
  const microseconds = Math.floor((value.granted - seconds) * 1e6);
  return formatLockInfo(value.message, timestampOf({ seconds, microseconds }));
}
