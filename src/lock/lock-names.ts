/** The names of the locks that this host has now. */
import { directoryEntries } from "../posix/directory.ts";
import { fileStatus } from "../posix/file.ts";
import { isPosixError } from "../posix/libc.ts";
import { semaphoreBytes } from "../posix/semaphore.ts";
import { LockNameError } from "./errors.ts";
import { objectsOf, parseLockName, sharedMemoryDirectory } from "./lock-name.ts";

const semaphorePrefix = "sem.";

/** Sorted; a semaphore is a lock's where its name and its size can be. None where there is no /dev/shm. */
export function lockNamesOnHost(): string[] {
  return (directoryEntries(sharedMemoryDirectory) ?? [])
    .filter((file) => file.startsWith(semaphorePrefix))
    .map((file) => file.slice(semaphorePrefix.length))
    .filter((name) => isLockName(name) && hasSemaphore(name))
    .toSorted();
}

/** Whether a lock can have this name. */
export function isLockName(name: string): boolean {
  try {
    return parseLockName(name) === name;
  } catch (error) {
    if (error instanceof LockNameError) return false;
    throw error;
  }
}

function hasSemaphore(name: string): boolean {
  try {
    const { isRegularFile, bytes } = fileStatus(objectsOf(name).semaphorePath);
    return isRegularFile && bytes === semaphoreBytes;
  } catch (error) {
    // It may have been deleted meanwhile.
    if (isPosixError(error, "ENOENT")) return false;
    throw error;
  }
}
