/** The locks of this host as the files that they are: which there are, whose, and who may use them. */
import { namesInDirectory } from "../../posix/directory.ts";
import { type FileStatus, fileStatus, mayReadAndWrite } from "../../posix/file.ts";
import { isPosixError, PosixError } from "../../posix/libc.ts";
import { semaphoreBytes } from "../../posix/semaphore.ts";
import type { LockFile } from "./kinship.ts";
import { isLockName, objectsOf, sharedMemoryDirectory } from "../../lock/name.ts";

const semaphorePrefix = "sem.";
const ledgerSuffix = ".ledger";

/** What there is in /dev/shm at a look. */
export interface Files {
  /** The names of all files. */
  files: ReadonlySet<string>;
  /** The names of locks for which something stands where their semaphore is, whatever it is. */
  named: readonly string[];
  /** Those for which only something stands where their ledger is. */
  leftover: readonly string[];
}

/** What there is now, in no order. @throws {PosixError} where there is no /dev/shm that can be read */
export function filesOnHost(): Files {
  return filesNamed(namesInDirectory(sharedMemoryDirectory));
}

/** The same, unless there are more files than `max`: anybody may have made them. @throws {PosixError} */
export function filesIfFew(max: number): Files | undefined {
  const names = namesInDirectory(sharedMemoryDirectory, max + 1);
  return names.length > max ? undefined : filesNamed(names);
}

function filesNamed(names: readonly string[]): Files {
  const files = new Set(names);
  const [named, leftover]: [string[], string[]] = [[], []];
  for (const file of files) {
    if (file.startsWith(semaphorePrefix)) {
      const name = file.slice(semaphorePrefix.length);
      if (isLockName(name)) named.push(name);
    } else if (file.endsWith(ledgerSuffix)) {
      const name = file.slice(0, -ledgerSuffix.length);
      if (!files.has(semaphorePrefix + name) && isLockName(name)) leftover.push(name);
    }
  }
  return { files, named, leftover };
}

/** The names of the locks that there are now, sorted; none where there is no /dev/shm. */
export function lockNamesOnHost(): string[] {
  return semaphoresOnHost()
    .filter(({ status }) => isSemaphore(status))
    .map(({ lockName }) => lockName)
    .toSorted();
}

/** Whether a file can be a semaphore of this architecture. */
export function isSemaphore({ isRegularFile, bytes }: FileStatus): boolean {
  return isRegularFile && bytes === semaphoreBytes;
}

/**
 * What stands where locks have their semaphores, whatever it is, in no order; nothing where there is no /dev/shm that
 * can be read.
 */
export function semaphoresOnHost(): (LockFile & { lockName: string })[] {
  return namesIfAny().flatMap((lockName) => {
    const path = objectsOf(lockName).semaphorePath;
    const status = statusIfThere(path);
    return status === undefined ? [] : [{ lockName, path, status }];
  });
}

function namesIfAny(): readonly string[] {
  try {
    return filesOnHost().named;
  } catch (error) {
    if (error instanceof PosixError) return [];
    throw error;
  }
}

/** The objects that a lock has now: the one that makes it a lock first, so semaphore, ledger, info segment. */
export function filesOfLock(lockName: string): LockFile[] {
  const { semaphorePath, ledgerPath, infoPath } = objectsOf(lockName);
  return [semaphorePath, ledgerPath, infoPath].flatMap((path) => {
    const status = statusIfThere(path);
    return status === undefined ? [] : [{ path, status }];
  });
}

/**
 * What a lock's names stand for now: another text after one of its objects was made, deleted or made anew, and after
 * its semaphore was cut short, so that who has it open must not touch it any more.
 * undefined where there is no semaphore, or nobody can tell.
 */
export function identityOf(lockName: string): string | undefined {
  try {
    const [semaphore, ...others] = pathsOf(lockName).map(statusIfThere);
    if (semaphore === undefined) return undefined;
    const inodes = others.map((status) => status?.inode ?? 0);
    return [semaphore.inode, semaphore.bytes, ...inodes].join(" ");
  } catch (error) {
    if (error instanceof PosixError) return undefined;
    throw error;
  }
}

function pathsOf(lockName: string): string[] {
  const { semaphorePath, infoPath, ledgerPath } = objectsOf(lockName);
  return [semaphorePath, infoPath, ledgerPath];
}

/** The status of a file; undefined where it is not there, or not any more. */
export function statusIfThere(path: string): FileStatus | undefined {
  try {
    return fileStatus(path);
  } catch (error) {
    if (isPosixError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Whether this user may use an object, for which it has to be read and written. Opens nothing, which could block. */
export function mayUse({ path }: LockFile): boolean {
  try {
    return mayReadAndWrite(path);
  } catch (error) {
    // Gone, or no file: that is not for its mode.
    if (error instanceof PosixError) return true;
    throw error;
  }
}
