/** Opening and making the objects of a lock, and saying what is wrong where that fails. */
import {
  closeFile,
  descriptorStatus,
  type FileStatus,
  fileStatus,
  openFile,
  openToLook,
} from "../../posix/file.ts";
import { isPosixError, PosixError } from "../../posix/libc.ts";
import { initialSemaphore, Semaphore, semaphoreBytes } from "../../posix/semaphore.ts";
import type { Access } from "./access.ts";
import { LockDamagedError } from "../../lock/errors.ts";
import { explanation } from "./explanation.ts";
import { InfoSegment } from "./info-segment.ts";
import { intrusionAmong, intrusionText, type LockFile } from "./kinship.ts";
import type { LedgerImage } from "../ledger/layout.ts";
import { Ledger, newLedgerBytes } from "../ledger/ledger.ts";
import { LedgerReader } from "../ledger/ledger-reader.ts";
import { createSharedFile } from "./shared-file.ts";
import { infoPathOf, objectsOf, sharedMemoryDirectory } from "../../lock/name.ts";

/** Opens the semaphore of a lock, or tells by undefined that there is none. */
export function openSemaphore(lockName: string): Semaphore | undefined {
  const path = objectsOf(lockName).semaphorePath;
  return explain(lockName, path, () => {
    const file = openObject(lockName, path, openFile, requireSemaphoreSize);
    if (file === undefined) return undefined;
    try {
      const semaphore = new Semaphore(file.descriptor, file.status.inode);
      requireSoundSemaphore(lockName, semaphore);
      return semaphore;
    } finally {
      closeFile(file.descriptor);
    }
  });
}

/** What stands behind the name of a lock's semaphore; undefined for nothing. */
export function semaphoreStatus(lockName: string): FileStatus | undefined {
  return statusIfPresent(objectsOf(lockName).semaphorePath);
}

/** @throws {LockDamagedError} if what is in a semaphore is garbage, of which the C library would abort */
export function requireSoundSemaphore(lockName: string, semaphore: Semaphore): void {
  const fault = semaphore.readFault();
  if (fault !== undefined) throw damaged(lockName, objectsOf(lockName).semaphorePath, fault);
}

/** @throws {LockDamagedError} if a file is too short for a semaphore: who has it mapped must not touch it */
export function requireSemaphoreSize(lockName: string, { bytes }: FileStatus): void {
  if (bytes === semaphoreBytes) return;
  const what = `it has ${bytes} bytes instead of ${semaphoreBytes}`;
  throw damaged(lockName, objectsOf(lockName).semaphorePath, what);
}

/** An object that was opened, and what it is. */
interface OpenObject {
  descriptor: number;
  status: FileStatus;
}

/**
 * Opens an object of a lock, and looks at it and at the others before anybody trusts it: what the descriptor stands
 * for counts, not what stood behind the name a moment ago.
 *
 * @returns undefined if there is none
 * @throws {LockDamagedError} if it cannot be that of the lock
 */
function openObject(
  lockName: string,
  path: string,
  open: (path: string) => number,
  requireMore?: (lockName: string, status: FileStatus) => void,
): OpenObject | undefined {
  const descriptor = ifPresent(() => openIfFile(lockName, path, open));
  if (descriptor === undefined) return undefined;
  try {
    const status = descriptorStatus(descriptor);
    requireRegularFile(lockName, path, status);
    requireMore?.(lockName, status);
    requireOneName(lockName, { path, status });
    requireKin(lockName, { path, status });
    return { descriptor, status };
  } catch (error) {
    closeFile(descriptor);
    throw error;
  }
}

/** Opens a file; a symbolic link, a directory or a socket is told from a call that failed. */
function openIfFile(lockName: string, path: string, open: (path: string) => number): number {
  try {
    return open(path);
  } catch (error) {
    if (!isPosixError(error, "ELOOP", "EISDIR", "ENXIO")) throw error;
    throw damaged(lockName, path, "it is not a regular file");
  }
}

/** glibc's sem_open gives a new semaphore its name by link and unlink: for a moment it has two. */
const looksForOneName = 20;

/** @throws {LockDamagedError} if an object is another file as well, whoever's that is */
function requireOneName(lockName: string, { path, status }: LockFile): void {
  let { links } = status;
  for (let looks = 0; links > 1 && looks < looksForOneName; looks++) {
    Bun.sleepSync(1);
    links = statusIfPresent(path)?.links ?? 0;
  }
  if (links > 1) throw damaged(lockName, path, `it has ${links} names`);
}

/**
 * The files of a lock that were looked at together last. Opening the first object of a lock looks at all of them, so
 * that the next two calls need not.
 */
let lastKin: readonly LockFile[] = [];

/** @throws {LockDamagedError} if the objects that a lock has cannot be those of one lock */
function requireKin(lockName: string, opened: LockFile): void {
  const isKnown = lastKin.some(
    ({ path, status }) => path === opened.path && status.inode === opened.status.inode,
  );
  if (isKnown) return;
  const { semaphorePath, infoPath, ledgerPath } = objectsOf(lockName);
  const files = [semaphorePath, infoPath, ledgerPath].flatMap((path) => {
    if (path === opened.path) return [opened];
    const status = statusIfPresent(path);
    return status === undefined ? [] : [{ path, status }];
  });
  const intrusion = intrusionAmong(files);
  if (intrusion !== undefined) {
    throw new LockDamagedError(
      `Cannot use lock "${lockName}": ${intrusionText(intrusion)}; delete that file, or take another name`,
    );
  }
  lastKin = files;
}

/** Opens the semaphore of a lock; where there is none, makes it with the value that `initialValue` gives. */
export function openOrCreateSemaphore(lockName: string, initialValue: () => number): Semaphore {
  const { semaphorePath } = objectsOf(lockName);
  // Not by sem_open, which knows no mode but that of the umask: until a second call put it right, others would be
  // kept out, and a death before that call would keep them out for good.
  const create = () => {
    const contents = initialSemaphore(initialValue());
    const file = { bytes: semaphoreBytes, contents, access: {}, like: partnerOf(lockName) };
    closeFile(createSharedFile(semaphorePath, file));
  };
  return openOrCreate(
    () => openSemaphore(lockName),
    () => {
      explain(lockName, semaphorePath, () => ifAbsent(create));
      // By its name, as whoever comes second does.
      return undefined;
    },
  );
}

/**
 * Who may use an object of a lock may use one that is made beside it, whoever makes that: root's unget, or another
 * user's. The ledger is what this program makes first of a lock; a peer has a semaphore.
 */
function partnerOf(lockName: string): FileStatus | undefined {
  const { ledgerPath, semaphorePath } = objectsOf(lockName);
  return statusIfPresent(semaphorePath) ?? statusIfPresent(ledgerPath);
}

/** Opens the info segment of a lock, or tells by undefined that there is none. */
export function openInfoSegment(lockName: string): InfoSegment | undefined {
  const { infoPath } = objectsOf(lockName);
  return explain(lockName, infoPath, () => {
    const file = openObject(lockName, infoPath, openFile);
    return file && new InfoSegment(file.descriptor, file.status.bytes);
  });
}

/** Opens the info segment of a lock; where there is none, or an empty one, makes it of `bytes`. */
export function openOrCreateInfoSegment(lockName: string, bytes: number): InfoSegment {
  const { infoPath } = objectsOf(lockName);
  const create = () =>
    InfoSegment.create(infoPath, { bytes, access: {}, like: partnerOf(lockName) });
  const segment = openOrCreate(
    () => openInfoSegment(lockName),
    () => explain(lockName, infoPath, () => ifAbsent(create)),
  );
  if (segment.bytes === 0) explain(lockName, infoPath, () => segment.growFromEmpty(bytes));
  return segment;
}

/** Opens the ledger of a lock, or tells by undefined that there is none. */
export function openLedger(lockName: string): Ledger | undefined {
  const { ledgerPath } = objectsOf(lockName);
  return explain(lockName, ledgerPath, () => {
    const file = openObject(lockName, ledgerPath, openFile);
    return file && new Ledger(file.descriptor, lockName);
  });
}

/**
 * Opens the ledger of a lock for an onlooker; undefined where there is none.
 *
 * @param image where the data is read to, if it is not to be this reader's own
 */
export function openLedgerToLook(lockName: string, image?: LedgerImage): LedgerReader | undefined {
  const { ledgerPath } = objectsOf(lockName);
  return explain(lockName, ledgerPath, () => {
    const file = openObject(lockName, ledgerPath, openToLook);
    return file && new LedgerReader(file.descriptor, lockName, { image });
  });
}

/**
 * Opens the ledger of a lock; where there is none, makes it.
 *
 * @param access for one that is the first object of its lock; those that are made after it are made like it
 */
export function openOrCreateLedger(lockName: string, access: Access = {}): Ledger {
  const { ledgerPath, semaphorePath } = objectsOf(lockName);
  const create = () => {
    const like = statusIfPresent(semaphorePath);
    const descriptor = createSharedFile(ledgerPath, { bytes: newLedgerBytes, access, like });
    return new Ledger(descriptor, lockName, ledgerPath);
  };
  return openOrCreate(
    () => openLedger(lockName),
    () => explain(lockName, ledgerPath, () => ifAbsent(create)),
  );
}

/** Runs `act` on the info segment of a lock, opened for that; on undefined where there is none. */
export function withInfoSegment<T>(
  lockName: string,
  act: (segment: InfoSegment | undefined) => T,
): T {
  const segment = openInfoSegment(lockName);
  try {
    return act(segment);
  } finally {
    segment?.close();
  }
}

/** Writes an info text. */
export function writeInfo(lockName: string, segment: InfoSegment, bytes: Uint8Array): void {
  explain(lockName, infoPathOf(lockName), () => segment.write(bytes));
}

/**
 * Opening must not use O_CREAT: under fs.protected_regular that fails on another user's file in a sticky
 * directory. So: open; make it only where there is none; and open what a peer made meanwhile.
 */
function openOrCreate<T>(open: () => T | undefined, create: () => T | undefined): T {
  for (;;) {
    const object = open() ?? create();
    if (object !== undefined) return object;
  }
}

function ifPresent<T>(open: () => T): T | undefined {
  return unless("ENOENT", open);
}

function ifAbsent<T>(create: () => T): T | undefined {
  return unless("EEXIST", create);
}

function unless<T>(code: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isPosixError(error, code) && isDirectoryThere()) return undefined;
    throw error;
  }
}

function statusIfPresent(path: string): FileStatus | undefined {
  return ifPresent(() => fileStatus(path));
}

/** Without /dev/shm everything is ENOENT, and "no such lock" would be the wrong answer. */
function isDirectoryThere(): boolean {
  try {
    fileStatus(sharedMemoryDirectory);
    return true;
  } catch {
    return false;
  }
}

function requireRegularFile(lockName: string, path: string, status: FileStatus): void {
  if (!status.isRegularFile) throw damaged(lockName, path, "it is not a regular file");
}

function damaged(lockName: string, path: string, what: string): LockDamagedError {
  return new LockDamagedError(
    `Cannot use lock "${lockName}": ${path} is damaged (${what}); delete that file once nobody uses the lock`,
  );
}

/** Turns what the system said into what a reader can act upon. */
export function explain<T>(lockName: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof PosixError ? explanation(lockName, path, error) : error;
  }
}
