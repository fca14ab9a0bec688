/**
 * The C library: how its symbols are opened and how its errors become exceptions.
 *
 * What differs between glibc versions and between architectures stays in this folder.
 */
import { denial } from "./denial.ts";
import { CString, dlopen, FFIType, type FFIFunction, type Library, read } from "bun:ffi";

/**
 * Opens symbols of the C library. Since glibc 2.34 all of them are in libc.so.6. Before, shm_* and
 * sem_* were in librt and libpthread; librt.so.1 depends on both of these and on libc, and dlsym
 * looks through a library's dependencies, so there it has everything.
 *
 * Only ever name libraries that each glibc host has: Bun looks for a missing one in the current
 * directory.
 */
export function openLibc<const Symbols extends Record<string, FFIFunction>>(
  symbols: Symbols,
): Library<Symbols>["symbols"] {
  try {
    return dlopen("libc.so.6", symbols).symbols;
  } catch (error) {
    const denied = denial(error);
    if (denied !== undefined) throw denied;
    return dlopen("librt.so.1", symbols).symbols;
  }
}

/**
 * {@link openLibc}, put off to the first call: each symbol takes 8 us, so those that a `run` on a lock that exists does
 * not need are not opened with the others.
 */
export function whenNeeded<const Symbols extends Record<string, FFIFunction>>(
  symbols: Symbols,
): () => Library<Symbols>["symbols"] {
  let opened: Library<Symbols>["symbols"] | undefined;
  return () => (opened ??= openLibc(symbols));
}

/** C's `ssize_t`, `off_t` and `long`, on 64-bit Linux: a number where it is a safe one. */
export const long = FFIType.i64_fast;
/** C's `size_t`. */
export const size = FFIType.u64_fast;

const libc = openLibc({
  __errno_location: { args: [], returns: "ptr" },
  strerror: { args: ["i32"], returns: "ptr" },
});

/** Constant in a thread, and foreign calls are made from the main thread only. */
const errnoAddress = libc.__errno_location();

/** Linux error numbers that this project tells apart (asm-generic/errno*.h, alike on x64 and arm64). */
const errnoNames: Record<number, string> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  6: "ENXIO",
  8: "ENOEXEC",
  11: "EAGAIN",
  13: "EACCES",
  17: "EEXIST",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  27: "EFBIG",
  28: "ENOSPC",
  30: "EROFS",
  32: "EPIPE",
  40: "ELOOP",
  110: "ETIMEDOUT",
};

export const EPERM = 1;
export const ESRCH = 3;
export const EINTR = 4;
export const EAGAIN = 11;
export const EACCES = 13;
export const EFAULT = 14;
export const EFBIG = 27;
export const ENOSPC = 28;
export const ETIMEDOUT = 110;

/** A system call that failed. */
export class PosixError extends Error {
  override readonly name = "PosixError";
  /** The libc function, as in `sem_open`. */
  readonly call: string;
  /** The error's number. */
  readonly errno: number;
  /** The error's name, as in `ENOENT`, or `E` and its number for one that nothing here tells apart. */
  readonly code: string;

  /** @param text what happened, in place of the call's name and the system's words */
  constructor(call: string, errno: number, text = `${call}: ${errorText(errno)}`) {
    super(text);
    this.call = call;
    this.errno = errno;
    this.code = errnoNames[errno] ?? `E${errno}`;
  }
}

/** The C library's own words for an error number, as in "Permission denied". */
export function errorText(errno: number): string {
  const text = libc.strerror(errno);
  return text === null ? `error ${errno}` : new CString(text);
}

/** The error number of the call just made; nothing may stand between that call and this one. */
export function lastErrno(): number {
  return errnoAddress === null ? 0 : read.i32(errnoAddress, 0);
}

/** The error of the call just made; nothing may stand between that call and this one. */
export function lastError(call: string): PosixError {
  return new PosixError(call, lastErrno());
}

/**
 * Passes the result of a libc call on.
 *
 * @throws {PosixError} where it is -1
 */
export function check(call: string, result: number | bigint): number {
  if (result === -1) throw lastError(call);
  return Number(result);
}

/**
 * Checks the result of a libc function that returns its error number instead of setting errno: posix_fallocate,
 * posix_spawn and its attributes.
 *
 * @throws {PosixError} if it is not 0
 */
export function checkReturned(call: string, errno: number): void {
  if (errno !== 0) throw new PosixError(call, errno);
}

/** Whether an error is a {@link PosixError} with one of these codes. */
export function isPosixError(error: unknown, ...codes: string[]): error is PosixError {
  return error instanceof PosixError && codes.includes(error.code);
}

const encoder = new TextEncoder();

/** A text as the NUL-ended bytes that a libc function takes; a NUL within would cut it short. */
export function cString(text: string): Uint8Array {
  return encoder.encode(`${text}\0`);
}
