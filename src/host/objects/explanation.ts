/** What a failed system call means to who wanted the lock. */
import { type FileStatus, fileStatus } from "../../posix/file.ts";
import { fileSystemAt } from "../../posix/file-system.ts";
import { PosixError } from "../../posix/libc.ts";
import { userLabel, userName } from "../../posix/user.ts";
import { LockCreateError, LockPermissionError, type ResourceLockError } from "../../lock/errors.ts";
import { sharedMemoryDirectory } from "../../lock/name.ts";

/** What to do about a host whose shared memory cannot hold locks. */
const advice = "see resourcelock doctor";

/** The error to throw in place of `error`, which a call on the object at `path` gave; itself if it says enough. */
export function explanation(
  lockName: string,
  path: string,
  error: PosixError,
): ResourceLockError | PosixError {
  const cannot = `Cannot use lock "${lockName}"`;
  const cannotCreate = (text: string) =>
    new LockCreateError(`${cannot}: ${text}`, { cause: error });
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return new LockPermissionError(permissionText(lockName, path, error.call), { cause: error });
    case "ENOSPC":
      return cannotCreate(spaceText());
    case "EFBIG":
      return clearer(
        error,
        `${cannot}: the limit of file sizes forbids ${path}; raise it (ulimit -f)`,
      );
    case "EMFILE":
    case "ENFILE":
      return clearer(error, `${cannot}: too many files are open; raise the limit (ulimit -n)`);
    case "EROFS":
      return cannotCreate(`${sharedMemoryDirectory} is read-only; ${advice}`);
    case "ENOENT":
    case "ENOTDIR":
    case "ENOSYS":
      return cannotCreate(`there is no ${sharedMemoryDirectory}; ${advice}`);
    case "EAGAIN":
      if (error.call !== "open") return error;
      return clearer(
        error,
        `${cannot}: another program has a lease on ${path}; end that program (fuser ${path})`,
      );
    default:
      return error;
  }
}

function clearer({ call, errno }: PosixError, text: string): PosixError {
  return new PosixError(call, errno, text);
}

/** What is used up: pages, or the files that there can be. */
function spaceText(): string {
  const { files, freeFiles } = fileSystemAt(sharedMemoryDirectory);
  if (files > 0 && freeFiles === 0) {
    return `${sharedMemoryDirectory} has as many files as it can have (${files}); ${advice}`;
  }
  return `${sharedMemoryDirectory} is full; ${advice}`;
}

function permissionText(lockName: string, path: string, call: string): string {
  if (call === "fchown") {
    return `Cannot create lock "${lockName}" for that group: you are not a member of it`;
  }
  let status: FileStatus | undefined;
  try {
    status = fileStatus(path);
  } catch {
    return `Cannot create lock "${lockName}": you may not create files in ${sharedMemoryDirectory}; ${advice}`;
  }
  const owner = userLabel(status.userId);
  if (call === "unlink") {
    return `Cannot remove lock "${lockName}": ${path} belongs to ${owner}, and only its owner can delete it`;
  }
  const who = userName(status.userId) ?? "its owner";
  return `lock "${lockName}" belongs to ${owner} and is not shared with you (${path}); ${who} can remove it and create it with --group`;
}
