/**
 * Open file description locks on single bytes: fcntl_locking(2). The kernel drops them when the last
 * process that has the description ends, whatever ends it.
 */
import { check, isPosixError, openLibc } from "./libc.ts";

const libc = openLibc({ fcntl: { args: ["i32", "i32", "ptr"], returns: "i32" } });

const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_OFD_SETLKW = 38;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/** struct flock: type and whence as 16-bit, start and length as 64-bit numbers, pid (0 for these locks). */
const flock = new Int16Array(16);
const flockOffsets = new Uint32Array(flock.buffer);

function fill(type: number, offset: number, length: number): void {
  flock[0] = type;
  flock[1] = 0;
  flockOffsets[2] = offset;
  flockOffsets[3] = 0;
  flockOffsets[4] = length;
  flockOffsets[5] = 0;
  flockOffsets[6] = 0;
}

/** Locks a byte for this description alone, if no other one has it. */
export function tryLockByte(descriptor: number, offset: number): boolean {
  return tryLock(descriptor, F_WRLCK, offset);
}

function tryLock(descriptor: number, type: number, offset: number): boolean {
  fill(type, offset, 1);
  try {
    check("fcntl", libc.fcntl(descriptor, F_OFD_SETLK, flock));
    return true;
  } catch (error) {
    if (isPosixError(error, "EAGAIN", "EACCES")) return false;
    throw error;
  }
}

/**
 * Locks a byte together with others that only share it, if nobody has it for himself. A descriptor that can only
 * read will do.
 */
export function tryShareByte(descriptor: number, offset: number): boolean {
  return tryLock(descriptor, F_RDLCK, offset);
}

/** Locks a byte for this description alone, waiting for as long as it takes. */
export function lockByte(descriptor: number, offset: number): void {
  for (;;) {
    fill(F_WRLCK, offset, 1);
    if (libc.fcntl(descriptor, F_OFD_SETLKW, flock) === 0) return;
    ignoreInterrupt();
  }
}

function ignoreInterrupt(): void {
  try {
    check("fcntl", -1);
  } catch (error) {
    if (!isPosixError(error, "EINTR")) throw error;
  }
}

/** Blocks until no other description has a byte locked; false where a signal came first. */
export function waitForByte(descriptor: number, offset: number): boolean {
  fill(F_RDLCK, offset, 1);
  try {
    check("fcntl", libc.fcntl(descriptor, F_OFD_SETLKW, flock));
  } catch (error) {
    if (isPosixError(error, "EINTR")) return false;
    throw error;
  }
  unlockByte(descriptor, offset);
  return true;
}

/** Unlocks a byte, or several in one call. */
export function unlockByte(descriptor: number, offset: number, length = 1): void {
  fill(F_UNLCK, offset, length);
  check("fcntl", libc.fcntl(descriptor, F_OFD_SETLK, flock));
}

/** Whether another description has one of these bytes locked; a length of 0 is to the end of all files. */
export function isLockedByOther(descriptor: number, offset: number, length = 1): boolean {
  fill(F_WRLCK, offset, length);
  check("fcntl", libc.fcntl(descriptor, F_OFD_GETLK, flock));
  return flock[0] !== F_UNLCK;
}
