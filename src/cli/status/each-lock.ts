/** Doing the same with each of the locks that a command line names. */
import { LockServerError, ResourceLockError } from "../../lock/errors.ts";
import { PosixError } from "../../posix/libc.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import { diagnostics } from "../terminal/output.ts";

/**
 * Does the same with each of several locks. One that is damaged, or that this user may not use, does not keep the others
 * from it: what is wrong with it is told at once.
 *
 * @param act gives an exit status
 * @returns the worst status
 */
export async function withEachLock(
  names: readonly string[],
  act: (name: string) => number | Promise<number>,
): Promise<number> {
  let worst: number = exitCodes.done;
  for (const name of names) {
    try {
      worst = Math.max(worst, await act(name));
    } catch (error) {
      if (names.length === 1 || !isOfOneLock(error)) throw error;
      diagnostics().error(error.message);
      worst = Math.max(worst, exitCodeOf(error));
    }
  }
  return worst;
}

/** Whether an error tells nothing of other locks. */
function isOfOneLock(error: unknown): error is Error {
  if (error instanceof LockServerError) return false;
  return error instanceof ResourceLockError || error instanceof PosixError;
}
