/** The locks of this host as the files that they are: which there are, whose, and who may use them. */
import { namesInDirectory } from "../posix/directory.ts";
import { closeFile, type FileStatus, fileStatus, openFile } from "../posix/file.ts";
import { isPosixError, PosixError } from "../posix/libc.ts";
import { semaphoreBytes } from "../posix/semaphore.ts";
import { isLockName, objectsOf, sharedMemoryDirectory } from "./lock-name.ts";

/** A file in /dev/shm, as it was at a look. */
export interface LockFile {
  path: string;
  status: FileStatus;
}

const semaphorePrefix = "sem.";

/** The names of the locks that there are now, sorted; none where there is no /dev/shm. */
export function lockNamesOnHost(): string[] {
  return semaphoresOnHost()
    .filter(({ status }) => isSemaphore(status))
    .map(({ lockName }) => lockName)
    .toSorted();
}

/** Whether a file can be a semaphore of this architecture. */
export function isSemaphore({ isRegularFile, bytes }: FileStatus): boolean {
  return isRegularFile && bytes === semaphoreBytes;
}

/** What stands where locks have their semaphores, whatever it is, in no order. */
export function semaphoresOnHost(): (LockFile & { lockName: string })[] {
  const names = filesOnHost()
    .filter((file) => file.startsWith(semaphorePrefix))
    .map((file) => file.slice(semaphorePrefix.length))
    .filter(isLockName);
  return names.flatMap((lockName) =>
    statuses(objectsOf(lockName).semaphorePath).map((file) => Object.assign(file, { lockName })),
  );
}

function filesOnHost(): string[] {
  try {
    return namesInDirectory(sharedMemoryDirectory);
  } catch (error) {
    if (error instanceof PosixError) return [];
    throw error;
  }
}

/** The objects that a lock has now: semaphore, info segment, ledger. */
export function filesOfLock(lockName: string): LockFile[] {
  const { semaphorePath, infoPath, ledgerPath } = objectsOf(lockName);
  return [semaphorePath, infoPath, ledgerPath].flatMap(statuses);
}

/** None where the file is not there, or not any more. */
function statuses(path: string): LockFile[] {
  try {
    return [{ path, status: fileStatus(path) }];
  } catch (error) {
    if (isPosixError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** Whether this user may use an object, for which it has to be read and written. */
export function mayUse({ path }: LockFile): boolean {
  try {
    closeFile(openFile(path));
    return true;
  } catch (error) {
    if (isPosixError(error, "EACCES", "EPERM")) return false;
    // Gone, or no file to open: that is not for its mode.
    if (error instanceof PosixError) return true;
    throw error;
  }
}
