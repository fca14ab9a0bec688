/** The unit of a lock and its text: the semaphore and the info segment, which every peer shares. */
import { monotonicSeconds } from "../../posix/clock.ts";
import { maxUnits, type Semaphore, type WaitResult } from "../../posix/semaphore.ts";
import type { InfoSegment } from "./info-segment.ts";
import { noStamp, type Stamp, stampedBytes, stampOf } from "../ledger/stamp.ts";
import { encodeLockInfo } from "../../lock/info-text.ts";
import {
  openInfoSegment,
  openOrCreateInfoSegment,
  openOrCreateSemaphore,
  openSemaphore,
  requireSoundSemaphore,
  requireSemaphoreSize,
  semaphoreStatus,
  writeInfo,
} from "./objects.ts";

/**
 * How often at most to check that the files still have their names and the semaphore its size: 2 statx calls, which a
 * grant of a microsecond must not pay for. Participants do not depend on it: the ledger keeps them apart.
 */
const checkAgainSeconds = 0.05;

/** The words beside the semaphore: see `markOf` and `waiterMarkOf` in ledger/record.ts. */
export const marks = { underMutex: 0, waiters: 1 } as const;

const encoder = new TextEncoder();
const maxUtf8BytesPerCodeUnit = 3;
/** `YYYY-MM-DD HH:MM:SS.ffffff - `, and the NUL. */
const bytesOfDate = 30;

export class LockUnit {
  readonly #lockName: string;
  readonly #infoBytes: number;
  #semaphore: Semaphore;
  #semaphoreInode: number;
  /** Whether somebody took the semaphore's bytes away: touching it would end this process by SIGBUS. */
  #isCutShort = false;
  #checkedSeconds = monotonicSeconds();
  /** Whether the semaphore has to be checked however short ago that was: see {@link doubt}. */
  #isInDoubt = false;
  #info: InfoSegment | undefined;
  #scratch: Uint8Array | undefined;
  #encoded: { bytes: Uint8Array; text: Uint8Array } | undefined;

  private constructor(
    lockName: string,
    infoBytes: number,
    semaphore: Semaphore,
    info: InfoSegment | undefined,
  ) {
    this.#lockName = lockName;
    this.#infoBytes = infoBytes;
    this.#semaphore = semaphore;
    this.#info = info;
    this.#semaphoreInode = semaphore.inode;
  }

  /** Tells this semaphore from others of its name: 32 bits. */
  get semaphoreId(): number {
    return this.#semaphoreInode % 2 ** 32;
  }

  /** Opens what there is; undefined where there is no semaphore. */
  static open(lockName: string, infoBytes: number): LockUnit | undefined {
    const semaphore = openSemaphore(lockName);
    if (semaphore === undefined) return undefined;
    try {
      return new LockUnit(lockName, infoBytes, semaphore, openInfoSegment(lockName));
    } catch (error) {
      semaphore.close();
      throw error;
    }
  }

  /** Opens the objects; makes those that are missing, the semaphore with the value that `initialValue` gives. */
  static openOrCreate(lockName: string, infoBytes: number, initialValue: () => number): LockUnit {
    // The segment first: of the two it is the one that is likelier not to be had.
    const info = openOrCreateInfoSegment(lockName, infoBytes);
    try {
      const semaphore = openOrCreateSemaphore(lockName, initialValue);
      return new LockUnit(lockName, infoBytes, semaphore, info);
    } catch (error) {
      info.discard();
      throw error;
    }
  }

  /**
   * Opens the objects anew where their names stand for others by now: systemd-logind deletes a user's objects at
   * logout, and people delete files. What has no name is kept as it is.
   *
   * @param options.now check even if that was done a moment ago
   */
  reopenIfReplaced({ now = false } = {}): void {
    this.#follow(now, () => openSemaphore(this.#lockName));
  }

  /**
   * The same, and creates a semaphore where there is none.
   *
   * @param initialValue gives the value of the semaphore that is created
   * @param options.now check even if that was done a moment ago
   */
  recreateIfMissing(initialValue: () => number, { now = false } = {}): void {
    this.#follow(now, () => openOrCreateSemaphore(this.#lockName, initialValue));
  }

  /**
   * Checks, as often at most as the names, that the semaphore has all its bytes: for those who only look at it.
   *
   * @throws {LockDamagedError} if it was cut short; after that it is not touched any more
   */
  requireWhole(): void {
    if (this.#isCheckDue() || this.#isInDoubt) this.#hasSemaphoreItsName();
  }

  /**
   * Makes the next use check that the semaphore has all its bytes: after a wait, or a command, in which somebody may
   * have cut it short.
   */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** Whether a moment has passed since the last check; then this is one. */
  #isCheckDue(): boolean {
    const time = monotonicSeconds();
    if (time - this.#checkedSeconds < checkAgainSeconds) return false;
    this.#checkedSeconds = time;
    return true;
  }

  #follow(now: boolean, openByName: () => Semaphore | undefined): void {
    const isDue = this.#isCheckDue() || now;
    if (!isDue && !this.#isInDoubt) return;
    if (isDue && this.#info?.isLinked === false) {
      this.#scratch = undefined;
      this.#info.close();
      this.#info = undefined;
    }
    if (this.#hasSemaphoreItsName()) return;
    const semaphore = openByName();
    if (semaphore === undefined) return;
    this.#semaphore.close();
    this.#semaphore = semaphore;
    this.#semaphoreInode = semaphore.inode;
    this.#isCutShort = false;
  }

  /** @throws {LockDamagedError} if it has, but was cut short */
  #hasSemaphoreItsName(): boolean {
    const status = semaphoreStatus(this.#lockName);
    const isIt = status?.inode === this.#semaphoreInode;
    if (isIt) {
      this.#isCutShort = true;
      requireSemaphoreSize(this.#lockName, status);
    }
    this.#isCutShort = !isIt && !this.#semaphore.isThere;
    this.#isInDoubt = false;
    return isIt;
  }

  /** The semaphore's value: 0 where somebody has the unit. @throws {LockDamagedError} if it is beyond all reason */
  readValue(): number {
    if (this.#isCutShort) return 0;
    const { value } = this.#semaphore;
    if (value > maxUnits) requireSoundSemaphore(this.#lockName, this.#semaphore);
    return value;
  }

  /** Whether the next who asks gets a unit, be the semaphore's value beyond all reason. */
  isTakeable(): boolean {
    return !this.#isCutShort && this.#semaphore.value > 0;
  }

  tryTake(): boolean {
    if (this.#isCutShort) return false;
    return this.#semaphore.tryWait();
  }

  /**
   * Blocks the thread until there is a unit to take, for `seconds` at most.
   *
   * @throws {LockDamagedError} if the semaphore was cut short meanwhile
   */
  take(seconds: number): WaitResult {
    return this.#semaphore.timedWait(seconds, () => {
      this.#hasSemaphoreItsName();
      return !this.#isCutShort;
    });
  }

  /** Gives the unit back, unless somebody has done so already; then it is in nobody's hand. */
  postIfLocked(): void {
    if (this.#isCutShort) return;
    if (this.#semaphore.value === 0) this.#semaphore.post();
    this.setMark(0);
  }

  /** The mark of who has the mutex: see `markOf` in ledger/record.ts. */
  readMark(): number {
    return this.#isCutShort ? 0 : this.#semaphore.readMark(marks.underMutex);
  }

  setMark(mark: number): void {
    if (!this.#isCutShort) this.#semaphore.setMark(marks.underMutex, mark);
  }

  /** The mark of who got the unit by waiting, without the mutex: see `waiterMarkOf` in ledger/record.ts. */
  readWaiterMark(): number {
    return this.#isCutShort ? 0 : this.#semaphore.readMark(marks.waiters);
  }

  setWaiterMark(mark: number): void {
    if (!this.#isCutShort) this.#semaphore.setMark(marks.waiters, mark);
  }

  /** Takes back the mark of a waiter, unless another one's stands there by now. */
  clearWaiterMark(mark: number): void {
    if (!this.#isCutShort && mark !== 0) this.#semaphore.clearMark(marks.waiters, mark);
  }

  /** Takes units that there should not be while the lock is held. */
  drain(): void {
    for (
      let taken = 0;
      taken < maxUnits && this.readValue() > 0 && this.#semaphore.tryWait();
      taken++
    );
  }

  readInfo(): string {
    this.#info ??= openInfoSegment(this.#lockName);
    return this.#info?.read() ?? "";
  }

  /** A hash of the info text; never 0, which is what a new ledger has noted. */
  infoHash(): number {
    this.#info ??= openInfoSegment(this.#lockName);
    return hashOf(this.#info?.readBytes() ?? new Uint8Array());
  }

  /** The stamp of the last grant, in what {@link infoHash} read last. */
  stampAsRead(): Stamp {
    const info = this.#info;
    return info === undefined ? noStamp : stampOf(info.headAsRead(stampedBytes), info.textBytes);
  }

  /** Whether a text has room behind its date for certain; most texts are short. */
  surelyFits(text: string): boolean {
    const mostBytes = text.length * maxUtf8BytesPerCodeUnit + bytesOfDate;
    return mostBytes <= this.#openInfo().bytes && !text.includes("\0");
  }

  /**
   * An info text that fits, as its bytes with and without their NUL, which are used again by the next call.
   *
   * @throws {LockInfoError} where it does not fit
   */
  encodeGrant(info: string): { bytes: Uint8Array; text: Uint8Array } {
    const scratch = (this.#scratch ??= new Uint8Array(this.#openInfo().bytes));
    const { read, written } = encoder.encodeInto(info, scratch);
    if (read < info.length || written === scratch.length || info.includes("\0")) {
      const bytes = this.encode(info);
      return { bytes, text: bytes.subarray(0, -1) };
    }
    scratch[written] = 0;
    // Views are dear, and most texts of a process have one length.
    if (this.#encoded?.text.length !== written) {
      this.#encoded = {
        bytes: scratch.subarray(0, written + 1),
        text: scratch.subarray(0, written),
      };
    }
    return this.#encoded;
  }

  /** A text, cut so that it has room behind its date: whole characters of it, in UTF-8. */
  cutToRoom(text: string): string {
    if (this.surelyFits(text)) return text;
    const room = Math.max(0, this.#openInfo().bytes - bytesOfDate);
    const { read } = encoder.encodeInto(text, new Uint8Array(room));
    return text.slice(0, read);
  }

  /** The bytes of an info text. @throws {LockInfoError} where it does not fit */
  encode(info: string): Uint8Array {
    return encodeLockInfo(info, this.#openInfo().bytes);
  }

  /** Writes the bytes of {@link encode}. */
  writeInfo(bytes: Uint8Array): void {
    writeInfo(this.#lockName, this.#openInfo(), bytes);
  }

  #openInfo(): InfoSegment {
    this.#info ??= openOrCreateInfoSegment(this.#lockName, this.#infoBytes);
    return this.#info;
  }

  close(): void {
    this.#semaphore.close();
    this.#info?.close();
  }
}

/** The hash by which the ledger knows an info text again; the bytes are without their NUL. */
export function hashOf(info: Uint8Array): number {
  return Bun.hash.crc32(info) || 1;
}
