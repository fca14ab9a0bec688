/**
 * Open file description locks on single bytes: fcntl_locking(2). The kernel drops them when the last
 * process that has the description ends, whatever ends it.
 */
import { check, EACCES, EAGAIN, EINTR, lastErrno, openLibc, PosixError } from "./libc.ts";

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

/**
 * False for a call that failed with one of these errors; to be asked right after it.
 *
 * @throws {PosixError} for any other
 */
function isAnswer(...errors: number[]): false {
  const errno = lastErrno();
  if (errors.includes(errno)) return false;
  throw new PosixError("fcntl", errno);
}

/** Locks a byte for this description alone, if no other one has it. */
export function tryLockByte(descriptor: number, offset: number): boolean {
  return tryLock(descriptor, F_WRLCK, offset);
}

function tryLock(descriptor: number, type: number, offset: number): boolean {
  fill(type, offset, 1);
  return libc.fcntl(descriptor, F_OFD_SETLK, flock) === 0 || isAnswer(EAGAIN, EACCES);
}

/**
 * Locks a byte together with others that only share it, if nobody has it for himself. A descriptor that can only
 * read will do.
 */
export function tryShareByte(descriptor: number, offset: number): boolean {
  return tryLock(descriptor, F_RDLCK, offset);
}

/** Blocks until no other description has a byte locked for itself; false if a signal came first. */
export function waitForByte(descriptor: number, offset: number): boolean {
  return waitFor(descriptor, F_RDLCK, offset);
}

/**
 * Blocks until no other description has a byte locked, not even together with others; false if a signal came first.
 */
export function waitForSharedByte(descriptor: number, offset: number): boolean {
  return waitFor(descriptor, F_WRLCK, offset);
}

function waitFor(descriptor: number, type: number, offset: number): boolean {
  fill(type, offset, 1);
  if (libc.fcntl(descriptor, F_OFD_SETLKW, flock) === -1) return isAnswer(EINTR);
  unlockByte(descriptor, offset);
  return true;
}

/** Unlocks a byte, or several in one call. */
export function unlockByte(descriptor: number, offset: number, length = 1): void {
  fill(F_UNLCK, offset, length);
  check("fcntl", libc.fcntl(descriptor, F_OFD_SETLK, flock));
}

/**
 * Whether another description has one of these bytes locked, for itself or together with others; a length of 0 is to
 * the end of all files.
 */
export function isLockedByOther(descriptor: number, offset: number, length = 1): boolean {
  return isInTheWay(descriptor, F_WRLCK, offset, length);
}

/**
 * Whether another description has one of these bytes locked for itself. The read lock that {@link waitForByte} takes
 * for a moment does not count.
 */
export function isOwnedByOther(descriptor: number, offset: number, length = 1): boolean {
  return isInTheWay(descriptor, F_RDLCK, offset, length);
}

function isInTheWay(descriptor: number, type: number, offset: number, length: number): boolean {
  fill(type, offset, length);
  check("fcntl", libc.fcntl(descriptor, F_OFD_GETLK, flock));
  return flock[0] !== F_UNLCK;
}
