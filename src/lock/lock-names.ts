/** The names of the locks that this host has now, without a look at the locks. */
import { namesInDirectory } from "../posix/directory.ts";
import { fileStatus } from "../posix/file.ts";
import { isPosixError, PosixError } from "../posix/libc.ts";
import { semaphoreBytes } from "../posix/semaphore.ts";
import { isLockName, objectsOf, sharedMemoryDirectory } from "./lock-name.ts";

const semaphorePrefix = "sem.";

/** Sorted; none where there is no /dev/shm. */
export function lockNamesOnHost(): string[] {
  let files: string[];
  try {
    files = namesInDirectory(sharedMemoryDirectory);
  } catch (error) {
    if (error instanceof PosixError) return [];
    throw error;
  }
  return files
    .filter((file) => file.startsWith(semaphorePrefix))
    .map((file) => file.slice(semaphorePrefix.length))
    .filter((name) => isLockName(name) && hasSemaphore(name))
    .toSorted();
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
