/** Making files of shared memory. */
import {
  allocateFile,
  closeFile,
  createUnnamedFile,
  type FileStatus,
  linkFile,
  sameOwner,
  setMode,
  setOwner,
  writeAt,
} from "../../posix/file.ts";
import { isPosixError } from "../../posix/libc.ts";
import type { Access } from "./access.ts";
import { sharedMemoryDirectory } from "../../lock/name.ts";

/** What a file of shared memory is made with. */
export interface NewFile {
  bytes: number;
  /** What stands in it; zeros behind that. */
  contents?: Uint8Array;
  access: Access;
  /** A file whose owner and permissions it gets in place of `access`, as far as this user may give them. */
  like?: FileStatus | undefined;
}

const ownerOnly = 0o600;
const groupBits = 0o070;

/**
 * Makes a file that has its name at once and whole: a Python peer maps a segment at the size that it finds, and a
 * full /dev/shm must be an error now, not a SIGBUS in that peer later. Its permissions too are there with the
 * name: nobody is kept out for a moment, and a death in between leaves nothing.
 *
 * @returns its descriptor
 * @throws {PosixError} EEXIST, ENOSPC, EROFS ... and of the call `fchown` where this user may not give it to the group
 */
export function createSharedFile(path: string, { bytes, contents, access, like }: NewFile): number {
  const descriptor = createUnnamedFile(sharedMemoryDirectory, ownerOnly);
  try {
    if (like === undefined) {
      if (access.groupId !== undefined) setOwner(descriptor, sameOwner, access.groupId);
      // Also for its owner alone: a umask such as 0777 would keep out even the one who made it.
      setMode(descriptor, access.mode ?? ownerOnly);
    } else {
      const hasGroup = giveTo(descriptor, like);
      setMode(descriptor, hasGroup ? like.mode : withoutGroup(like.mode));
    }
    allocateSharedFile(descriptor, bytes);
    if (contents !== undefined) writeAt(descriptor, contents);
    linkFile(descriptor, path);
    return descriptor;
  } catch (error) {
    closeFile(descriptor);
    throw error;
  }
}

/**
 * Gives a file to the owner and the group of another one; if that is for root alone, to its group: whoever else is in
 * that must not be kept out.
 *
 * @returns whether it has the group
 */
function giveTo(descriptor: number, like: FileStatus): boolean {
  return (
    ifPermitted(() => setOwner(descriptor, like.userId, like.groupId)) ||
    ifPermitted(() => setOwner(descriptor, sameOwner, like.groupId))
  );
}

function ifPermitted(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    // EINVAL: a user namespace has no number for that user or group.
    if (!isPosixError(error, "EPERM", "EINVAL")) throw error;
    return false;
  }
}

/** What the group of a file may do that is not the intended one: no more than everybody. */
function withoutGroup(mode: number): number {
  return (mode & ~groupBits) | ((mode & 0o007) << 3);
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
