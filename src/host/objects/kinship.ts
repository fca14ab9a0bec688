/**
 * Which files can be the objects of one lock. /dev/shm is everybody's: whoever comes first makes the file that is
 * missing beside another user's semaphore. Used by whatever opens, lists, checks or deletes a lock's files.
 */
import type { FileStatus } from "../../posix/file.ts";
import { isInGroup, userLabel } from "../../posix/user.ts";

/** A file in /dev/shm, as it was at a look. */
export interface LockFile {
  path: string;
  status: FileStatus;
}

const readAndWrite = 6;

/**
 * Whether the owner of one object may be trusted with another: it is the same user, or root, or one whom the other
 * object's mode lets in. Members of a group make objects anew that are missing, so equal owners would be too strict.
 */
function isLetIn(owner: FileStatus, by: FileStatus): boolean {
  if (owner.userId === by.userId || owner.userId === 0) return true;
  if ((by.mode & readAndWrite) === readAndWrite) return true;
  if (((by.mode >> 3) & readAndWrite) !== readAndWrite) return false;
  // Only members, and root, can give a file to a group.
  return owner.groupId === by.groupId || isInGroup(owner.userId, by.groupId);
}

/** Whether two files can be objects of one lock. */
export function areKin(one: FileStatus, other: FileStatus): boolean {
  return isLetIn(one, other) && isLetIn(other, one);
}

/** An object that a stranger to the lock has put beside another one. */
export interface Intrusion {
  stranger: LockFile;
  beside: LockFile;
}

/** What a stranger put among the files of a lock, who would steer whoever trusts it; undefined for nothing. */
export function intrusionAmong(files: readonly LockFile[]): Intrusion | undefined {
  for (const stranger of files) {
    for (const beside of files) {
      if (!isLetIn(stranger.status, beside.status)) return { stranger, beside };
    }
  }
  return undefined;
}

/** What is wrong, as in `/dev/shm/x.ledger belongs to user anna (1000), whom the mode of /dev/shm/sem.x keeps out`. */
export function intrusionText({ stranger, beside }: Intrusion): string {
  const owner = userLabel(stranger.status.userId);
  return `${stranger.path} belongs to ${owner}, whom the mode of ${beside.path} keeps out`;
}
