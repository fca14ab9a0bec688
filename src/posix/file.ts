/** Files, those of /dev/shm above all, and descriptors. */
import { type Pointer, ptr } from "bun:ffi";
import {
  check,
  checkReturned,
  cString,
  EACCES,
  lastError,
  long,
  openLibc,
  size,
  whenNeeded,
} from "./libc.ts";

const libc = openLibc({
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  lseek: { args: ["i32", long, "i32"], returns: long },
  pread: { args: ["i32", "ptr", size, long], returns: long },
  pwrite: { args: ["i32", "ptr", size, long], returns: long },
  read: { args: ["i32", "ptr", size], returns: long },
  write: { args: ["i32", "ptr", size], returns: long },
  statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
  fcntl: { args: ["i32", "i32", long], returns: "i32" },
  isatty: { args: ["i32"], returns: "i32" },
});

/** For making files and taking them away. */
const making = whenNeeded({
  ftruncate: { args: ["i32", long], returns: "i32" },
  posix_fallocate: { args: ["i32", long, long], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  fchown: { args: ["i32", "u32", "u32"], returns: "i32" },
  fchmod: { args: ["i32", "u32"], returns: "i32" },
  faccessat: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  unlink: { args: ["ptr"], returns: "i32" },
});

const waiting = whenNeeded({
  poll: { args: ["ptr", size, "i32"], returns: "i32" },
});

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EACCESS = 0x200;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_EMPTY_PATH = 0x1000;
const R_OK = 4;
const W_OK = 2;
const O_RDONLY = 0;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const SEEK_END = 2;
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;
/** asm/fcntl.h: these two differ between the architectures. */
const O_NOFOLLOW = process.arch === "arm64" ? 0o100000 : 0o400000;
const O_DIRECTORY = process.arch === "arm64" ? 0o40000 : 0o200000;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;

/**
 * Opens an existing file to read and write it. A symbolic link is refused (ELOOP), as shm_open does. Nothing blocks:
 * a FIFO opens, and a file under another process's lease gives EAGAIN instead of 45 s of waiting (fcntl(2), F_SETLEASE).
 */
export function openFile(path: string): number {
  const flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  return check("open", libc.open(cString(path), flags, 0));
}

/**
 * Opens the file behind a descriptor once more, to read it only: another description, with locks of its own.
 */
export function reopenToRead(descriptor: number): number {
  return openToRead(`/proc/self/fd/${descriptor}`);
}

/** Opens an existing file to read it. */
export function openToRead(path: string): number {
  return check("open", libc.open(cString(path), O_RDONLY | O_CLOEXEC, 0));
}

/**
 * Opens a file to look at it, whatever it turned out to be meanwhile: a symbolic link is refused (ELOOP), and a FIFO
 * does not block.
 */
export function openToLook(path: string): number {
  const flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  return check("open", libc.open(cString(path), flags, 0));
}

/** Makes a file that has no name yet; it is gone with its last descriptor unless {@link linkFile} names it. */
export function createUnnamedFile(directory: string, mode: number): number {
  return check("open", libc.open(cString(directory), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
}

/** Gives a file of {@link createUnnamedFile} its name. @throws {PosixError} EEXIST ... */
export function linkFile(descriptor: number, path: string): void {
  const source = cString(`/proc/self/fd/${descriptor}`);
  check("linkat", making().linkat(AT_FDCWD, source, AT_FDCWD, cString(path), AT_SYMLINK_FOLLOW));
}

/** Sets a file's permission bits. */
export function setMode(descriptor: number, mode: number): void {
  check("fchmod", making().fchmod(descriptor, mode));
}

/** For {@link setOwner}: leaves it as it is, the C library's (uid_t)-1. */
export const sameOwner = 0xffffffff;

/** Sets a file's owner. @throws {PosixError} EPERM for anybody but root, who may give it to a group of theirs */
export function setOwner(descriptor: number, userId: number, groupId: number): void {
  check("fchown", making().fchown(descriptor, userId, groupId));
}

/** Takes a file's name away. */
export function deleteFile(path: string): void {
  check("unlink", making().unlink(cString(path)));
}

/**
 * Takes a file's name away where it still stands for an open file: whoever made that may have been overtaken by
 * somebody who deleted it and made another one.
 */
export function deleteIfSame(path: string, descriptor: number): void {
  const own = descriptorStatus(descriptor);
  if (own.links > 0 && fileStatus(path).inode === own.inode) deleteFile(path);
}

/** Whether this user may read and write a file, without opening it. @throws {PosixError} ENOENT ... */
export function mayReadAndWrite(path: string): boolean {
  const flags = AT_EACCESS | AT_SYMLINK_NOFOLLOW;
  if (making().faccessat(AT_FDCWD, cString(path), R_OK | W_OK, flags) === 0) return true;
  const error = lastError("faccessat");
  if (error.errno === EACCES) return false;
  throw error;
}

export function closeFile(descriptor: number): void {
  check("close", libc.close(descriptor));
}

/** Gives a file its size and its pages. @throws {PosixError} ENOSPC, EINTR ... */
export function allocateFile(descriptor: number, bytes: number): void {
  checkReturned("posix_fallocate", making().posix_fallocate(descriptor, 0, bytes));
}

/** A file's size in bytes. */
export function fileSize(descriptor: number): number {
  return check("lseek", libc.lseek(descriptor, 0, SEEK_END));
}

/** Reads from an offset of a file; returns the count of bytes that were there. */
export function readAt(descriptor: number, bytes: Uint8Array, offset = 0): number {
  return check("pread", libc.pread(descriptor, bytes, bytes.length, offset));
}

/** Writes at an offset of a file; returns the count of bytes written. */
export function writeAt(descriptor: number, bytes: Uint8Array, offset = 0): number {
  return check("pwrite", libc.pwrite(descriptor, bytes, bytes.length, offset));
}

/** Where bytes are in memory, for {@link writeFrom}; they must be kept referenced as long as that is used. */
export function addressOf(bytes: Uint8Array): number {
  return ptr(bytes);
}

/** {@link writeAt} for a part of bytes, without a view of that part, which is as dear as the call. */
export function writeFrom(
  descriptor: number,
  address: number,
  length: number,
  offset: number,
): number {
  return check("pwrite", libc.pwrite(descriptor, address as Pointer, length, offset));
}

/** Cuts a file to a size. */
export function truncateFile(descriptor: number, bytes: number): void {
  check("ftruncate", making().ftruncate(descriptor, bytes));
}

/** Reads on from a file, a whole small one of /proc too; returns the count of bytes, 0 at its end. */
export function readFile(descriptor: number, bytes: Uint8Array): number {
  return check("read", libc.read(descriptor, bytes, bytes.length));
}

/** Writes to a descriptor; returns the count of bytes written, which may be fewer. */
export function writeFile(descriptor: number, bytes: Uint8Array): number {
  return check("write", libc.write(descriptor, bytes, bytes.length));
}

/** Blocks until a descriptor takes bytes again; for so long at most, or until a signal comes. */
export function waitWritable(descriptor: number, milliseconds = -1): boolean {
  return waiting().poll(new Int32Array([descriptor, POLLOUT]), 1, milliseconds) > 0;
}

/** Blocks until a descriptor has bytes to read, or is at its end; for so long at most, or until a signal comes. */
export function waitReadable(descriptor: number, milliseconds = -1): boolean {
  return waiting().poll(new Int32Array([descriptor, POLLIN]), 1, milliseconds) > 0;
}

/**
 * Whether a pipe or a socket has no reader any more, so that writing to it fails. Node and Bun connect the standard
 * streams of a child by socket pairs.
 */
export function hasNoReader(descriptor: number): boolean {
  // struct pollfd: the descriptor, then the events that are wanted and those that came, 16 bits each.
  const request = new Int32Array([descriptor, 0]);
  waiting().poll(request, 1, 0);
  return (((request[1] ?? 0) >> 16) & (POLLERR | POLLHUP)) !== 0;
}

/** Whether a descriptor takes bytes now: a terminal does not after ^S. */
export function isWritable(descriptor: number): boolean {
  const request = new Int32Array([descriptor, POLLOUT]);
  // What is closed or broken counts as ready: the write tells.
  return waiting().poll(request, 1, 0) !== 0;
}

/** What {@link fileStatus} tells. */
export interface FileStatus {
  isRegularFile: boolean;
  bytes: number;
  userId: number;
  inode: number;
  groupId: number;
  /** Its permission bits. */
  mode: number;
  /** How many names it has: 0 for one that was deleted. */
  links: number;
  /** When it was written last, by the wall clock as it was then: microseconds since 1970. */
  writtenAt: number;
}

/** struct statx of linux/stat.h, which is alike on every architecture (struct stat is not). */
const statxWords = new Uint32Array(64);
const STATX_BASIC_STATS = 0x7ff;

/** A file's kind, size and owner, of a link itself. @throws {PosixError} ENOENT ... */
export function fileStatus(path: string): FileStatus {
  return statx(AT_FDCWD, cString(path), AT_SYMLINK_NOFOLLOW);
}

const emptyPath = cString("");

/** The same of an open file. */
export function descriptorStatus(descriptor: number): FileStatus {
  return statx(descriptor, emptyPath, AT_EMPTY_PATH);
}

function word(index: number): number {
  return statxWords[index] ?? 0;
}

function statx(directory: number, path: Uint8Array, flags: number): FileStatus {
  check("statx", libc.statx(directory, path, flags, STATX_BASIC_STATS, statxWords));
  return {
    links: word(4),
    inode: word(8) + word(9) * 2 ** 32,
    userId: word(5),
    groupId: word(6),
    mode: word(7) & 0o7777,
    isRegularFile: (word(7) & 0o170000) === 0o100000,
    bytes: word(10) + word(11) * 2 ** 32,
    writtenAt: (word(28) + word(29) * 2 ** 32) * 1e6 + Math.floor(word(30) / 1000),
  };
}

/** Whether a descriptor closes when another program is started. @throws {PosixError} EBADF */
export function closesOnExec(descriptor: number): boolean {
  return (check("fcntl", libc.fcntl(descriptor, F_GETFD, 0)) & FD_CLOEXEC) !== 0;
}

/**
 * A second descriptor of an open file, the first free one from `lowest` on, that programs started later get;
 * where the limit of open files is not above `lowest`, any free one.
 */
export function duplicate(descriptor: number, lowest: number): number {
  const copy = libc.fcntl(descriptor, F_DUPFD, lowest);
  return copy === -1 ? check("fcntl", libc.fcntl(descriptor, F_DUPFD, 3)) : copy;
}

/** Lets a descriptor pass to programs that are started from now on. */
export function keepOnExec(descriptor: number): void {
  check("fcntl", libc.fcntl(descriptor, F_SETFD, 0));
}

/** Whether a descriptor is a terminal. */
export function isTerminal(descriptor: number): boolean {
  return libc.isatty(descriptor) === 1;
}
