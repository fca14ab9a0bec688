/**
 * The locks of this host: enumeration of /dev/shm, and a look at each that costs little, makes nothing, writes
 * nothing and waits for nobody.
 *
 * /dev/shm is everybody's: what is not a lock's must never be taken for one. A lock is a semaphore, which is a
 * regular file `sem.NAME` of 32 bytes. A file `NAME` without one may be anybody's, and so may a `NAME.ledger`, unless
 * it starts as a ledger does.
 */
import { namesInDirectory } from "../posix/directory.ts";
import { closeFile, type FileStatus, fileStatus, openToLook, readAt } from "../posix/file.ts";
import { isPosixError, PosixError } from "../posix/libc.ts";
import { semaphoreBytes, valueInSemaphore } from "../posix/semaphore.ts";
import { LockCreateError, LockDamagedError, ResourceLockError } from "./errors.ts";
import { header, headerWords, type Ledger } from "./ledger.ts";
import { decodeLockInfo } from "./lock-info.ts";
import { isLockName, objectsOf, sharedMemoryDirectory } from "./lock-name.ts";
import { openLedgerToLook } from "./lock-objects.ts";
import { type LockStatus, statusOf, statusUnderMutex } from "./lock-status.ts";
import { hashOf } from "./lock-unit.ts";

/**
 * `free`; `locked`; `stale`: its holder died, and nobody has adopted it; `unreadable` by this user; `damaged`: its
 * ledger is; `leftover`: a ledger whose semaphore is gone, and that nobody uses.
 */
export type ListedState = "free" | "locked" | "stale" | "unreadable" | "damaged" | "leftover";

/** A lock, as it was at a look. */
export interface ListedLock extends LockStatus {
  name: string;
  state: ListedState;
  /** Whether it has a semaphore, without which it is only what was left of a lock. */
  exists: boolean;
  /** The semaphore's value; null where this user may not read it, or there is none. */
  value: number | null;
  /** The info text; null where this user may not read it. */
  info: string | null;
  /** The number of the user whose it is. */
  userId: number;
}

const semaphorePrefix = "sem.";
const ledgerSuffix = ".ledger";

/**
 * All locks of this host, in no order.
 *
 * @throws {LockCreateError} where this host has no /dev/shm
 */
export function locksOnHost(): ListedLock[] {
  const { names, files } = namesOnHost();
  const locks: ListedLock[] = [];
  for (const name of names) {
    const lock = lookAtLock(name, files);
    if (lock !== undefined) locks.push(lock);
  }
  return locks;
}

/**
 * What participants that died have left, in no order: locks that wait to be adopted, and ledgers without a lock.
 *
 * @throws {LockCreateError} where this host has no /dev/shm
 */
export function staleOnHost(): ListedLock[] {
  const { names, files } = namesOnHost();
  const stale: ListedLock[] = [];
  for (const name of names) {
    const lock = lookAtLock(name, files);
    if (lock?.state === "stale") stale.push(lock);
  }
  for (const file of files) {
    if (!file.endsWith(ledgerSuffix)) continue;
    const name = file.slice(0, -ledgerSuffix.length);
    if (files.has(semaphorePrefix + name) || !isLockName(name)) continue;
    const leftover = lookAtLeftover(name, files);
    if (leftover !== undefined) stale.push(leftover);
  }
  return stale;
}

function namesOnHost(): { names: string[]; files: Set<string> } {
  const files = new Set(filesOnHost());
  const names: string[] = [];
  for (const file of files) {
    if (!file.startsWith(semaphorePrefix)) continue;
    const name = file.slice(semaphorePrefix.length);
    if (isLockName(name)) names.push(name);
  }
  return { names, files };
}

function filesOnHost(): string[] {
  try {
    return namesInDirectory(sharedMemoryDirectory);
  } catch (error) {
    if (!isPosixError(error, "ENOENT", "ENOTDIR")) throw error;
    const text = `Cannot look for locks: this host has no ${sharedMemoryDirectory}`;
    throw new LockCreateError(text, { cause: error });
  }
}

const nobody: LockStatus = { holders: [], waiters: [], grants: 0, recoveries: 0 };

/** @returns undefined where there is no lock of that name, or not any more */
function lookAtLock(name: string, files: ReadonlySet<string>): ListedLock | undefined {
  const { semaphorePath, infoPath } = objectsOf(name);
  const status = regularFile(semaphorePath);
  if (status?.bytes !== semaphoreBytes) return undefined;
  const { userId } = status;
  const open: number[] = [];
  let ledger: Ledger | undefined;
  try {
    const semaphore = keep(open, openIfPresent(semaphorePath));
    if (semaphore === undefined) return undefined;
    const segment = files.has(name) ? keep(open, openIfPresent(infoPath)) : undefined;
    const unit = new UnitInSight(semaphore, segment);
    ledger = files.has(name + ledgerSuffix) ? openLedgerToLook(name) : undefined;
    const { status: held, damaged } = heldStatus(ledger, unit);
    const { value } = unit;
    const info = unit.readInfo();
    const state = damaged ? "damaged" : stateOf(held, value);
    return { name, state, exists: true, value, info, userId, ...held };
  } catch (error) {
    if (!(error instanceof PosixError || error instanceof ResourceLockError)) throw error;
    return { name, state: "unreadable", exists: true, value: null, info: null, userId, ...nobody };
  } finally {
    ledger?.close();
    for (const descriptor of open) closeFile(descriptor);
  }
}

function heldStatus(
  ledger: Ledger | undefined,
  unit: UnitInSight,
): { status: LockStatus; damaged: boolean } {
  try {
    return { status: statusOf(ledger, unit), damaged: false };
  } catch (error) {
    if (!(error instanceof LockDamagedError)) throw error;
    return { status: statusOf(undefined, unit), damaged: true };
  }
}

function stateOf({ holders }: LockStatus, value: number): ListedState {
  if (holders.some(({ attachment }) => attachment === "stale")) return "stale";
  return holders.length === 0 && value > 0 ? "free" : "locked";
}

/** What is left of a lock in a ledger that has no semaphore beside it; undefined where it is none, or somebody uses it. */
function lookAtLeftover(name: string, files: ReadonlySet<string>): ListedLock | undefined {
  const { ledgerPath, infoPath } = objectsOf(name);
  const userId = regularFile(ledgerPath)?.userId;
  const status = userId === undefined ? undefined : leftoverStatus(name);
  if (userId === undefined || status === undefined || isInUse(status)) return undefined;
  const info = files.has(name) ? textAt(infoPath) : "";
  return { name, state: "leftover", exists: false, value: null, info, userId, ...nobody };
}

/**
 * Who uses a ledger that has no semaphore beside it; undefined where it may be somebody else's file.
 *
 * @throws nothing: what cannot be read is not known to be a ledger
 */
export function leftoverStatus(name: string): LockStatus | undefined {
  let ledger: Ledger | undefined;
  try {
    if (regularFile(objectsOf(name).ledgerPath) === undefined) return undefined;
    ledger = openLedgerToLook(name);
    return ledger?.transact(() =>
      ledger?.isBegun === true ? statusWithoutUnit(ledger) : undefined,
    );
  } catch (error) {
    if (!(error instanceof PosixError || error instanceof ResourceLockError)) throw error;
    return undefined;
  } finally {
    ledger?.close();
  }
}

/**
 * Under the mutex: who uses a lock without a semaphore. No peer can hold it; what was held detached still is, as a
 * semaphore that is made anew is made locked.
 */
export function statusWithoutUnit(ledger: Ledger): LockStatus {
  const noted = ledger.read(header, headerWords.notedHash);
  return statusUnderMutex(ledger, { value: 0, infoHash: () => noted });
}

function textAt(path: string): string | null {
  const open: number[] = [];
  try {
    return new UnitInSight(undefined, keep(open, openIfPresent(path))).readInfo();
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    return null;
  } finally {
    for (const descriptor of open) closeFile(descriptor);
  }
}

/** Whether anybody waits, or holds and lives, or holds detached as long as nobody says otherwise. */
export function isInUse({ holders, waiters }: LockStatus): boolean {
  return waiters.length > 0 || holders.some(({ attachment }) => attachment !== "stale");
}

/** So much of an info segment is read at first: all of one that this program or Python has made. */
const usualInfoBytes = 4096;
/** Anybody can make one of any size. */
const mostInfoBytes = 2 ** 20;
const infoBuffer = new Uint8Array(usualInfoBytes);
const semaphoreBuffer = new Uint8Array(semaphoreBytes);

/** The semaphore and the info text of a lock, read once and when asked for: under the ledger's mutex if there is one. */
class UnitInSight {
  readonly #semaphore: number | undefined;
  readonly #info: number | undefined;
  #value: number | undefined;
  #infoBytes: Uint8Array | undefined;

  /** @param semaphore undefined stands for one that is locked, as far as anybody knows */
  constructor(semaphore: number | undefined, info: number | undefined) {
    this.#semaphore = semaphore;
    this.#info = info;
  }

  get value(): number {
    this.#value ??= this.#semaphore === undefined ? 0 : readValue(this.#semaphore);
    return this.#value;
  }

  infoHash(): number {
    return hashOf(this.#readInfo());
  }

  readInfo(): string {
    return decodeLockInfo(this.#readInfo());
  }

  /** The bytes of the text; they stand in a buffer that the next lock's take. */
  #readInfo(): Uint8Array {
    this.#infoBytes ??= this.#info === undefined ? new Uint8Array() : readText(this.#info);
    return this.#infoBytes;
  }
}

function readValue(semaphore: number): number {
  semaphoreBuffer.fill(0);
  readAt(semaphore, semaphoreBuffer);
  return valueInSemaphore(semaphoreBuffer);
}

function readText(info: number): Uint8Array {
  let buffer = infoBuffer;
  let length = readAt(info, buffer);
  let end = buffer.subarray(0, length).indexOf(0);
  if (end === -1 && length === usualInfoBytes) {
    buffer = new Uint8Array(mostInfoBytes);
    length = readAt(info, buffer);
    end = buffer.subarray(0, length).indexOf(0);
  }
  return buffer.subarray(0, end === -1 ? length : end);
}

function keep(open: number[], descriptor: number | undefined): number | undefined {
  if (descriptor !== undefined) open.push(descriptor);
  return descriptor;
}

function openIfPresent(path: string): number | undefined {
  try {
    return openToLook(path);
  } catch (error) {
    if (isPosixError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function regularFile(path: string): FileStatus | undefined {
  try {
    const status = fileStatus(path);
    return status.isRegularFile ? status : undefined;
  } catch (error) {
    if (isPosixError(error, "ENOENT")) return undefined;
    throw error;
  }
}
