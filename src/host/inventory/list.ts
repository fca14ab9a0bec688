/**
 * The locks of this host: enumeration of /dev/shm, and a look at each that costs little, makes nothing, writes
 * nothing and waits for nobody.
 *
 * /dev/shm is everybody's: what is not a lock's must never be taken for one. A lock is a semaphore, which is a
 * regular file `sem.NAME` of 32 bytes. A file `NAME` without one may be anybody's, and so may a `NAME.ledger`, unless
 * it starts as a ledger does: then a `sem.NAME` that is no semaphore is a damaged one.
 */
import {
  closeFile,
  descriptorStatus,
  type FileStatus,
  openToLook,
  readAt,
} from "../../posix/file.ts";
import { isPosixError, PosixError } from "../../posix/libc.ts";
import {
  faultInSemaphore,
  markInSemaphore,
  type SemaphoreMark,
  semaphoreBytes,
  valueInSemaphore,
} from "../../posix/semaphore.ts";
import { LockCreateError, LockDamagedError, LockPermissionError } from "../../lock/errors.ts";
import { LedgerImage } from "../ledger/layout.ts";
import type { LedgerReader } from "../ledger/ledger-reader.ts";
import {
  type Files,
  filesIfFew,
  filesOnHost,
  isSemaphore,
  statusIfThere,
} from "../objects/files.ts";
import { decodeLockInfo } from "../../lock/info-text.ts";
import { isInUse, leftoverStatus, lostLockStatus } from "./leftover.ts";
import { objectsOf, sharedMemoryDirectory } from "../../lock/name.ts";
import { maxInfoBytes, usualInfoBytes } from "../objects/info-segment.ts";
import { areKin } from "../objects/kinship.ts";
import { noStamp, type Stamp, stampedBytes, stampOf } from "../ledger/stamp.ts";
import { openLedgerToLook } from "../objects/objects.ts";
import { type LockCondition, type LockState, type LockStatus, nobody } from "../../lock/status.ts";
import { conditionOf, statusOf } from "../status.ts";
import { hashOf, marks } from "../objects/unit.ts";
import { isLockFault } from "../lock-fault.ts";

/**
 * All locks of this host, in no order; also those that lost their semaphore while they are in use.
 *
 * @throws {LockCreateError} where this host has no /dev/shm
 */
export function locksOnHost(): LockState[] {
  return present(looksAt(look()).map((lookAtOne) => lookAtOne()));
}

/** A look at each of the locks that files belong to. */
function looksAt({ files, named, leftover }: Files): (() => LockState | undefined)[] {
  return [
    ...named.map((name) => () => lookAtLock(name, files)),
    ...leftover.map((name) => () => lookAtLost(name)),
  ];
}

/** Reading so many names takes less than a waiter may be late when its turn comes. */
const maxScannedFiles = 20_000;

/**
 * The same as {@link locksOnHost} in steps, each of them one look, for who has other things to do. Nothing where there
 * are too many files.
 *
 * @throws {PosixError} where this host has no /dev/shm
 */
export function* scanLocks(): Generator<void, LockState[]> {
  const found = filesIfFew(maxScannedFiles);
  if (found === undefined) return [];
  const locks: (LockState | undefined)[] = [];
  for (const lookAtOne of looksAt(found)) {
    yield;
    locks.push(lookAtOne());
  }
  return present(locks);
}

/** Some locks, as {@link locksOnHost} has them; those left out that there are not. */
export function locksNamed(names: readonly string[]): LockState[] {
  return present(
    names.map((name) => lookAtLock(name, new Set([name, `${name}.ledger`])) ?? lookAtLost(name)),
  );
}

/**
 * What is left of locks whose semaphore is gone: ledgers that nobody uses, in no order.
 *
 * @throws {LockCreateError} where this host has no /dev/shm
 */
export function leftoversOnHost(): LockState[] {
  return present(look().leftover.map(lookAtLeftover));
}

/**
 * What participants that died have left, in no order: locks that wait to be adopted, and ledgers without a lock.
 *
 * @throws {LockCreateError} where this host has no /dev/shm
 */
export function staleOnHost(): LockState[] {
  const stale = locksOnHost().filter(({ state, exists }) => state === "stale" && exists);
  return [...stale, ...leftoversOnHost()];
}

function look(): Files {
  try {
    return filesOnHost();
  } catch (error) {
    if (!isPosixError(error, "ENOENT", "ENOTDIR")) throw error;
    const text = `Cannot look for locks: there is no ${sharedMemoryDirectory}; see resourcelock doctor`;
    throw new LockCreateError(text, { cause: error });
  }
}

function present(locks: readonly (LockState | undefined)[]): LockState[] {
  return locks.filter((lock) => lock !== undefined);
}

/** All ledgers are read into this one, one after the other: there may be thousands. */
const ledgerImage = new LedgerImage();

/** @returns undefined where there is no lock of that name, or not any more */
function lookAtLock(name: string, files: ReadonlySet<string>): LockState | undefined {
  const { semaphorePath, infoPath } = objectsOf(name);
  const status = statusIfThere(semaphorePath);
  if (status === undefined) return undefined;
  const { userId } = status;
  if (!isSemaphore(status)) {
    // Without a ledger beside it, it may be anybody's.
    const isOfLock = files.has(`${name}.ledger`) && leftoverStatus(name) !== undefined;
    return isOfLock ? unknownState(name, "damaged", userId) : undefined;
  }
  const open: number[] = [];
  let ledger: LedgerReader | undefined;
  try {
    const semaphore = keep(open, openIfPresent(semaphorePath));
    if (semaphore === undefined) return undefined;
    const segment = files.has(name) ? keep(open, openIfPresent(infoPath)) : undefined;
    const isOurs = segment === undefined || areKin(descriptorStatus(segment), status);
    const unit = new UnitInSight(semaphore, isOurs ? segment : undefined);
    ledger = files.has(`${name}.ledger`) ? openLedgerToLook(name, ledgerImage) : undefined;
    const { status: held, damaged } = heldStatus(ledger, unit);
    const value = unit.readValue();
    const info = isOurs ? unit.readInfo() : null;
    const state = damaged ? "damaged" : conditionOf(held);
    return {
      name,
      state,
      exists: true,
      locked: held.holders.length > 0,
      value,
      info,
      userId,
      ...held,
    };
  } catch (error) {
    if (!isLockFault(error)) throw error;
    return unknownState(name, isForbidden(error) ? "unreadable" : "damaged", userId);
  } finally {
    ledger?.close();
    for (const descriptor of open) closeFile(descriptor);
  }
}

/** A lock of which nobody can say who holds it. */
function unknownState(name: string, state: LockCondition, userId: number): LockState {
  return { name, state, exists: true, locked: null, value: null, info: null, userId, ...nobody };
}

/** Whether it is the mode of an object that keeps this user out, and not what the object is. */
function isForbidden(error: Error): boolean {
  return error instanceof LockPermissionError || isPosixError(error, "EACCES", "EPERM");
}

function heldStatus(
  ledger: LedgerReader | undefined,
  unit: UnitInSight,
): { status: LockStatus; damaged: boolean } {
  try {
    return { status: statusOf(ledger, unit), damaged: false };
  } catch (error) {
    if (!(error instanceof LockDamagedError)) throw error;
    return { status: statusOf(undefined, unit), damaged: true };
  }
}

/** What is left of a lock in a ledger that has no semaphore beside it; undefined where it is none, or somebody uses it. */
function lookAtLeftover(name: string): LockState | undefined {
  const status = leftoverStatus(name);
  if (status === undefined || isInUse(status)) return undefined;
  return withoutSemaphore(name, "leftover", nobody);
}

/** A lock that lost its semaphore while it is in use; undefined where there is none. */
export function lookAtLost(name: string): LockState | undefined {
  const status = lostLockStatus(name);
  if (status === undefined) return undefined;
  return withoutSemaphore(name, conditionOf(status), status);
}

function withoutSemaphore(
  name: string,
  state: LockCondition,
  status: LockStatus,
): LockState | undefined {
  const { ledgerPath, infoPath } = objectsOf(name);
  const file = statusIfThere(ledgerPath);
  if (file === undefined) return undefined;
  const locked = status.holders.length > 0;
  const info = textAt(infoPath, file);
  const { userId } = file;
  return { name, state, exists: false, locked, value: null, info, userId, ...status };
}

/** The text at a path; null if this user may not read it, or it is a stranger's to the file beside it. */
function textAt(path: string, beside: FileStatus): string | null {
  const open: number[] = [];
  try {
    const status = statusIfThere(path);
    if (status !== undefined && !areKin(status, beside)) return null;
    return new UnitInSight(undefined, keep(open, openIfPresent(path))).readInfo();
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    return null;
  } finally {
    for (const descriptor of open) closeFile(descriptor);
  }
}

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

  readValue(): number {
    this.#value ??= this.#semaphore === undefined ? 0 : valueOf(this.#semaphore);
    return this.#value;
  }

  readMark(): number {
    return this.#readMark(marks.underMutex);
  }

  readWaiterMark(): number {
    return this.#readMark(marks.waiters);
  }

  #readMark(which: SemaphoreMark): number {
    return this.#semaphore === undefined
      ? 0
      : markInSemaphore(readSemaphore(this.#semaphore), which);
  }

  infoHash(): number {
    return hashOf(this.#readInfo());
  }

  stampAsRead(): Stamp {
    const text = this.#readInfo();
    if (this.#info === undefined) return noStamp;
    return stampOf(new Uint8Array(text.buffer, 0, stampedBytes), text.length);
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

function valueOf(semaphore: number): number {
  return valueInSemaphore(readSemaphore(semaphore));
}

function readSemaphore(semaphore: number): Uint8Array {
  semaphoreBuffer.fill(0);
  readAt(semaphore, semaphoreBuffer);
  const fault = faultInSemaphore(semaphoreBuffer);
  if (fault !== undefined) throw new LockDamagedError(fault);
  return semaphoreBuffer;
}

function readText(info: number): Uint8Array {
  let buffer = infoBuffer;
  let length = readAt(info, buffer);
  // What a stamp is read from must not be another lock's.
  if (length < stampedBytes) buffer.fill(0, length, stampedBytes);
  let end = buffer.subarray(0, length).indexOf(0);
  if (end === -1 && length === usualInfoBytes) {
    buffer = new Uint8Array(maxInfoBytes);
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
