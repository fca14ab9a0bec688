/** The exit statuses, in one table that code and documentation share; 64 and up are sysexits(3)'s. */
import {
  LockCreateError,
  LockDamagedError,
  LockFullError,
  LockInfoError,
  LockNameError,
  LockPermissionError,
} from "../lock/errors.ts";
import { PosixError } from "../posix/libc.ts";
import { OutputError } from "./terminal/output.ts";
import { UsageError } from "./arguments/usage-error.ts";

export const exitCodes = {
  done: 0,
  no: 1,
  usage: 64,
  internal: 70,
  os: 71,
  cannotCreate: 73,
  notGranted: 75,
  permissionDenied: 77,
  notExecutable: 126,
  notFound: 127,
  /** And the signal's number. */
  killedBySignal: 128,
} as const;

/** What `--help` and the documentation say about each. */
export const exitCodeTexts: readonly (readonly [status: string, text: string])[] = [
  ["0", "done; yes"],
  ["1", "no: not locked (unget), locked (state --check), in use (remove); doctor found something"],
  ["64", "wrong usage"],
  ["70", "internal error"],
  ["71", "the system failed: an output that is closed or full, a damaged lock"],
  ["73", "the lock cannot be created: /dev/shm is full, read-only or absent"],
  ["75", "not granted in time, or with wait not free; -E CODE changes it"],
  ["77", "the lock is another user's, or this user is not in the GROUP"],
  ["126", "run: the command cannot be executed"],
  ["127", "run: the command was not found"],
  ["128+N", "run: the command was killed by signal N"],
];

/** The exit status that an error ends the process with. */
export function exitCodeOf(error: unknown): number {
  if (
    error instanceof UsageError ||
    error instanceof LockNameError ||
    error instanceof LockInfoError
  ) {
    return exitCodes.usage;
  }
  if (error instanceof LockPermissionError) return exitCodes.permissionDenied;
  if (error instanceof LockCreateError) return exitCodes.cannotCreate;
  if (
    error instanceof LockDamagedError ||
    error instanceof LockFullError ||
    error instanceof OutputError ||
    error instanceof PosixError
  ) {
    return exitCodes.os;
  }
  return exitCodes.internal;
}
