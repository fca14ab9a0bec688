/** What a failed system call means to who wanted the lock. */
import { type FileStatus, fileStatus } from "../../posix/file.ts";
import type { PosixError } from "../../posix/libc.ts";
import { userName } from "../../posix/user.ts";
import { LockCreateError, LockPermissionError, type ResourceLockError } from "../../lock/errors.ts";
import { sharedMemoryDirectory } from "../../lock/name.ts";

/** What to do about a host whose shared memory cannot hold locks. */
const advice = "see resourcelock doctor";

/** The error to throw in place of `error`, which a call on the object at `path` gave; itself where it says enough. */
export function explanation(
  lockName: string,
  path: string,
  error: PosixError,
): ResourceLockError | PosixError {
  const cannot = `Cannot use lock "${lockName}"`;
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      if (error.call === "fchown") {
        const text = `Cannot create lock "${lockName}" for that group: you are not a member of it`;
        return new LockPermissionError(text, { cause: error });
      }
      return new LockPermissionError(permissionText(lockName, path, error.call), { cause: error });
    case "ENOSPC":
      return new LockCreateError(`${cannot}: ${sharedMemoryDirectory} is full; ${advice}`, {
        cause: error,
      });
    case "EROFS":
      return new LockCreateError(`${cannot}: ${sharedMemoryDirectory} is read-only; ${advice}`, {
        cause: error,
      });
    case "ENOENT":
    case "ENOTDIR":
    case "ENOSYS":
      return new LockCreateError(`${cannot}: there is no ${sharedMemoryDirectory}; ${advice}`, {
        cause: error,
      });
    default:
      return error;
  }
}

function permissionText(lockName: string, path: string, call: string): string {
  let status: FileStatus | undefined;
  try {
    status = fileStatus(path);
  } catch {
    return `Cannot create lock "${lockName}": you may not create files in ${sharedMemoryDirectory}; ${advice}`;
  }
  const name = userName(status.userId);
  const owner = name === undefined ? `user ${status.userId}` : `user ${name} (${status.userId})`;
  if (call === "unlink") {
    return `Cannot remove lock "${lockName}": ${path} belongs to ${owner}, and only its owner can delete it`;
  }
  const who = name ?? "its owner";
  return `lock "${lockName}" belongs to ${owner} and is not shared with you (${path}); ${who} can remove it and create it with --group`;
}
