/** Telling whether a lock's objects are still those that were opened. */
import { fileStatus } from "../posix/file.ts";
import { PosixError } from "../posix/libc.ts";
import { objectsOf } from "./lock-name.ts";

/**
 * What a lock's names stand for now: another text after one of its objects was made, deleted or made anew.
 * undefined where there is no semaphore, or nobody can tell.
 */
export function identityOf(lockName: string): string | undefined {
  const { semaphorePath, infoPath, ledgerPath } = objectsOf(lockName);
  const semaphore = inodeOf(semaphorePath);
  if (semaphore === 0) return undefined;
  return `${semaphore} ${inodeOf(infoPath)} ${inodeOf(ledgerPath)}`;
}

function inodeOf(path: string): number {
  try {
    return fileStatus(path).inode;
  } catch (error) {
    if (error instanceof PosixError) return 0;
    throw error;
  }
}
