/** The message of a grant, as given with `-m`. */
import { LockNotFoundError } from "../../lock/errors.ts";
import { encodeLockInfo, formatLockInfo } from "../../lock/info-text.ts";
import { newSegmentBytes, ResourceLock } from "../../host/resource-lock.ts";
import { now } from "../../posix/clock.ts";

/** So many bytes fit whatever the characters and the date. */
const surelyFits = 1000;

/**
 * Checks that a message fits before a lock is made for it; one that exists may have more room.
 *
 * @throws {LockInfoError} where it does not
 */
export function requireMessageFits(lockName: string, message: string): void {
  if (message.length <= surelyFits) return;
  try {
    new ResourceLock(lockName, { create: false }).close();
  } catch (error) {
    if (!(error instanceof LockNotFoundError)) throw error;
    encodeLockInfo(formatLockInfo(message, now()), newSegmentBytes);
  }
}
