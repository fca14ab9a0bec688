/** Making files of shared memory. */
import {
  allocateFile,
  closeFile,
  createUnnamedFile,
  type FileStatus,
  linkFile,
  setMode,
  setOwner,
} from "../posix/file.ts";
import { isPosixError } from "../posix/libc.ts";
import { sharedMemoryDirectory } from "./lock-name.ts";

/**
 * Makes a file of `bytes` zeros that has its name at once and whole: a Python peer maps a segment at the
 * size that it finds, and a full /dev/shm must be an error now, not a SIGBUS in that peer later.
 *
 * @param like a file whose owner and permissions it gets, as far as this user may give them
 * @returns its descriptor
 * @throws {PosixError} EEXIST, ENOSPC, EROFS ...
 */
export function createSharedFile(
  path: string,
  bytes: number,
  mode: number,
  like?: FileStatus,
): number {
  const descriptor = createUnnamedFile(sharedMemoryDirectory, mode);
  try {
    if (like !== undefined) {
      setMode(descriptor, like.mode);
      ifPermitted(() => setOwner(descriptor, like.userId, like.groupId));
    }
    allocateSharedFile(descriptor, bytes);
    linkFile(descriptor, path);
    return descriptor;
  } catch (error) {
    closeFile(descriptor);
    throw error;
  }
}

function ifPermitted(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isPosixError(error, "EPERM")) throw error;
  }
}

/** Gives a file its size and pages. posix_fallocate is one of the calls that a signal may break off; the work done so far stays. */
export function allocateSharedFile(descriptor: number, bytes: number): void {
  for (;;) {
    try {
      allocateFile(descriptor, bytes);
      return;
    } catch (error) {
      if (!isPosixError(error, "EINTR")) throw error;
    }
  }
}
