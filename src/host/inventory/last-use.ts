/** When a lock was last used, as far as its objects tell. */
import { momentOfGrant } from "../../lock/info-text.ts";
import { bootSeconds } from "../../posix/clock.ts";
import { filesOfLock } from "../objects/files.ts";

/**
 * For how many seconds nobody has used a free lock. What counts is the last write to its files, as participants write to
 * the ledger, and the date of its info text, as a Python program writes through a mapping, which leaves the file's time as
 * it is.
 *
 * Not more than the host is up: a clock that was set after the start would make every lock look old.
 */
export function unusedSeconds(lockName: string, info: string | null, nowSeconds: number): number {
  const written = filesOfLock(lockName).map(({ status }) => status.writtenAt / 1e6);
  const lastUse = Math.max(...written, momentOfGrant(info ?? "") ?? 0);
  return Math.max(0, Math.min(nowSeconds - lastUse, bootSeconds()));
}
