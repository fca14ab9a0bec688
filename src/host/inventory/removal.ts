/**
 * Removing a lock: its names in /dev/shm are taken away, so that the next one who asks for it makes a new one.
 *
 * That nobody takes the lock between the look and the removal is held by two things. Participants are kept out by the
 * ledger's mutex, and find under it that the ledger has no name any more ({@link Ledger.fileHasName}); then they start
 * over by name. A peer knows only the semaphore, so the unit is taken first and not given back: whoever still has the
 * old semaphore open finds it locked, instead of being alone in a lock that nobody else can see.
 *
 * The ledger goes last: who makes a new one finds nothing of the old lock.
 */
import { deleteFile } from "../../posix/file.ts";
import { EPERM, isPosixError, PosixError } from "../../posix/libc.ts";
import { LockDamagedError } from "../../lock/errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { filesOfLock, statusIfThere } from "../objects/files.ts";
import type { LockFile } from "../objects/kinship.ts";
import { unusedSeconds } from "./last-use.ts";
import { isInUse, leftoverStatus, statusWithoutUnit } from "./leftover.ts";
import { objectsOf, parseLockName } from "../../lock/name.ts";
import { explain, openLedger } from "../objects/objects.ts";
import { type LockStatus, nobody } from "../../lock/status.ts";
import { statusOf, statusIn } from "../status.ts";
import { LockUnit } from "../objects/unit.ts";
import { lockStates } from "../ledger/layout.ts";
import { endedByRelease, evictAllAndMarkFree } from "../ledger/record.ts";

/** What became of a removal. */
export interface Removal {
  outcome: "removed" | "in use" | "used lately" | "missing";
  /** The holders and waiters that it had. */
  status: LockStatus;
  /** What stands where an object of the lock did and is not deleted, because nobody knows what else it is. */
  left?: readonly LockFile[];
}

export interface RemovalOptions {
  /** Whether to remove it in any case: who holds it goes on without it. */
  force?: boolean;
  /** Whether a hold may be removed whose holder died, if nobody waits: with that info text. */
  staleWithInfo?: string | undefined;
  /** For how many seconds nobody may have used it. */
  unusedSeconds?: number | undefined;
  /** Whether only to tell what would become of it. */
  dryRun?: boolean;
}

/**
 * Removes a lock, unless somebody holds it or waits for it.
 *
 * @throws {LockNameError}
 * @throws {LockPermissionError} where this user may not use or delete its objects
 * @throws {LockDamagedError} where they are not those of a lock; with `force`, only if there is no semaphore
 */
export function removeLock(lockName: string, options: RemovalOptions = {}): Removal {
  const name = parseLockName(lockName);
  for (;;) {
    const removal = isSemaphoreThere(name)
      ? removeByLedger(name, options)
      : removeLeftover(name, options);
    if (removal !== undefined) return removal;
  }
}

/** @returns undefined where the lock became another one meanwhile */
function removeByLedger(name: string, options: RemovalOptions): Removal | undefined {
  const ledger = openLedger(name);
  try {
    if (ledger === undefined) return removeUnit(name, undefined, options);
    return ledger.transact(() =>
      ledger.fileHasName() ? removeUnit(name, ledger, options) : undefined,
    );
  } catch (error) {
    if (!(error instanceof LockDamagedError && options.force === true)) throw error;
    const remains = options.dryRun === true ? requireDeletable(name) : deleteObjects(name, true);
    return { outcome: "removed", status: nobody, left: remains };
  } finally {
    ledger?.close();
  }
}

/** Opens the unit under the mutex, so that it is the one that goes with this ledger. */
function removeUnit(
  name: string,
  ledger: Ledger | undefined,
  options: RemovalOptions,
): Removal | undefined {
  const unit = LockUnit.open(name, 0);
  if (unit === undefined) return undefined;
  try {
    return removeWith(name, ledger, unit, options);
  } finally {
    unit.close();
  }
}

function removeWith(
  name: string,
  ledger: Ledger | undefined,
  unit: LockUnit,
  { force = false, staleWithInfo, unusedSeconds: wanted = 0, dryRun = false }: RemovalOptions,
): Removal {
  const look = () => (ledger === undefined ? statusOf(undefined, unit) : statusIn(ledger, unit));
  const status = look();
  if (wanted > 0 && isEmpty(status)) {
    const unused = unusedSeconds(name, unit.readInfo(), Date.now() / 1000);
    if (unused < wanted) return { outcome: "used lately", status };
  }
  // A try alone would keep a peer out for a moment.
  const isFree = isEmpty(status) && (dryRun || unit.tryTake() || hasEndedHolders(ledger));
  const isStale = !isEmpty(status) && !isInUse(status) && unit.readInfo() === staleWithInfo;
  if (!isFree && !isStale && !force) {
    // A peer may have taken the unit since the look.
    return { outcome: "in use", status: isEmpty(status) ? look() : status };
  }
  if (dryRun) return { outcome: "removed", status, left: requireDeletable(name) };
  let left: LockFile[];
  try {
    left = deleteObjects(name, ledger !== undefined);
  } catch (error) {
    if (isFree) unit.postIfLocked();
    throw error;
  }
  // Its holders learn that they hold nothing; its waiters find out by themselves, and go on to the new lock.
  if (ledger !== undefined) evictAllAndMarkFree(ledger, unit, { by: process.pid });
  return { outcome: "removed", status, left };
}

/** Whether the unit is nobody's: those who held the lock ended by a release. Asked where nobody holds it. */
function hasEndedHolders(ledger: Ledger | undefined): boolean {
  return ledger?.header.state === lockStates.held && endedByRelease(ledger);
}

function isEmpty(status: LockStatus): boolean {
  return status.holders.length === 0 && status.waiters.length === 0;
}

/** A ledger without a semaphore: what is left of a lock, unless participants still use it. */
function removeLeftover(
  name: string,
  { force = false, dryRun = false }: RemovalOptions,
): Removal | undefined {
  const missing: Removal = { outcome: "missing", status: nobody };
  // Looked at before it is opened to write: what is not a ledger would be made one.
  const left = leftoverStatus(name);
  const ledger = left === undefined ? undefined : openLedger(name);
  if (ledger === undefined) return missing;
  try {
    return ledger.transact(() => {
      if (!ledger.fileHasName() || isSemaphoreThere(name)) return undefined;
      const status = statusWithoutUnit(ledger);
      if (!force && isInUse(status)) return { outcome: "in use", status };
      const remains = dryRun ? requireDeletable(name) : deleteObjects(name, true);
      return { outcome: "removed", status, left: remains };
    });
  } finally {
    ledger.close();
  }
}

function isSemaphoreThere(name: string): boolean {
  return statusIfThere(objectsOf(name).semaphorePath) !== undefined;
}

/**
 * @param withLedger false where there was none, and one that there is now is somebody's who came later
 * @returns the files that are left
 */
function deleteObjects(name: string, withLedger: boolean): LockFile[] {
  const { ledgerPath } = objectsOf(name);
  const files = filesOfLock(name).filter(({ path }) => withLedger || path !== ledgerPath);
  // Looked at before the first is deleted: the file that makes this a lock says whose the others have to be.
  const [first] = files;
  const left: LockFile[] = [];
  for (const file of files) {
    if (!file.status.isRegularFile || first === undefined || !isOfOneLock(file, first)) {
      left.push(file);
      continue;
    }
    explain(name, file.path, () => {
      try {
        deleteFile(file.path);
      } catch (error) {
        if (!isPosixError(error, "ENOENT")) throw error;
      }
    });
  }
  return left;
}

/** What would be left. @throws {LockPermissionError} if this user may not delete the others: /dev/shm is sticky */
function requireDeletable(name: string): LockFile[] {
  const files = filesOfLock(name);
  const [first] = files;
  const userId = process.geteuid?.();
  const left: LockFile[] = [];
  for (const file of files) {
    const { path, status } = file;
    if (!status.isRegularFile || first === undefined || !isOfOneLock(file, first)) left.push(file);
    else if (userId !== 0 && userId !== status.userId) {
      explain(name, path, () => {
        throw new PosixError("unlink", EPERM);
      });
    }
  }
  return left;
}

/**
 * Whether a file may be deleted with another one that makes them a lock: anybody can make `X.ledger` beside somebody
 * else's file X. Members of a group make objects anew for each other.
 */
function isOfOneLock({ status: file }: LockFile, { status: first }: LockFile): boolean {
  const shareGroup =
    file.groupId === first.groupId &&
    (file.mode & first.mode & groupReadAndWrite) === groupReadAndWrite;
  return file.userId === first.userId || shareGroup;
}

const groupReadAndWrite = 0o060;
