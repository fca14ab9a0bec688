/** Errors that say what is wrong with a lock or with this host, told from faults of this program. */
import { ResourceLockError } from "../lock/errors.ts";
import { PosixError } from "../posix/libc.ts";

/** Whether whoever only looks may go on without this lock. */
export function isLockFault(error: unknown): error is ResourceLockError | PosixError {
  return error instanceof ResourceLockError || error instanceof PosixError;
}
