/**
 * A ledger that has no semaphore beside it: what is left of a lock, or a lock that lost its semaphore while it is in
 * use. The ledger goes on keeping participants apart, and who comes next makes the semaphore anew.
 */
import type { LedgerReader, LedgerSnapshot } from "../ledger/ledger-reader.ts";
import { statusIfThere } from "../objects/files.ts";
import { objectsOf } from "../../lock/name.ts";
import { openLedgerToLook } from "../objects/objects.ts";
import type { LockStatus } from "../../lock/status.ts";
import { statusIn } from "../status.ts";
import { noStamp } from "../ledger/stamp.ts";
import { initialSemaphoreValue } from "../ledger/record.ts";
import { isLockFault } from "../lock-fault.ts";

/**
 * Who uses a ledger that has no semaphore beside it; undefined where it may be somebody else's file.
 *
 * @throws nothing: what cannot be read is not known to be a ledger
 */
export function leftoverStatus(name: string): LockStatus | undefined {
  let ledger: LedgerReader | undefined;
  try {
    if (statusIfThere(objectsOf(name).ledgerPath)?.isRegularFile !== true) return undefined;
    ledger = openLedgerToLook(name);
    return ledger?.snapshot((state) => (state.isBegun ? statusWithoutUnit(state) : undefined));
  } catch (error) {
    if (!isLockFault(error)) throw error;
    return undefined;
  } finally {
    ledger?.close();
  }
}

/**
 * Under the mutex: who uses a lock without a semaphore. It is as it will be with the one that is made anew: no peer
 * can hold it, and what was held detached still is.
 */
export function statusWithoutUnit(ledger: LedgerSnapshot): LockStatus {
  const noted = ledger.header.notedHash;
  return statusIn(ledger, {
    readValue: () => initialSemaphoreValue(ledger),
    readMark: () => 0,
    readWaiterMark: () => 0,
    infoHash: () => noted,
    stampAsRead: () => noStamp,
  });
}

/** Whether anybody waits, or holds and lives, or holds detached as long as nobody says otherwise. */
export function isInUse({ holders, waiters }: LockStatus): boolean {
  return waiters.length > 0 || holders.some(({ attachment }) => attachment !== "stale");
}

/** The users of a lock whose semaphore was deleted while it is in use; undefined for a whole or a missing lock. */
export function lostLockStatus(name: string): LockStatus | undefined {
  const status = leftoverStatus(name);
  if (status === undefined || !isInUse(status)) return undefined;
  // The ledger may be that of a lock that was made, or made whole, meanwhile.
  return statusIfThere(objectsOf(name).semaphorePath) === undefined ? status : undefined;
}
