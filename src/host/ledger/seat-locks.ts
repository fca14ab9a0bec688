/**
 * The kernel's byte locks that vouch for a ledger: the mutex, and the seat of one participant. They lie beyond all
 * data, and belong to an open file description: the kernel drops them when the last process that has it open ends.
 */
import {
  isLockedByOther,
  isOwnedByOther,
  tryLockByte,
  tryShareByte,
  unlockByte,
  waitForByte,
  waitForSharedByte,
} from "../../posix/byte-lock.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { closeFile, duplicate, reopenToRead } from "../../posix/file.ts";
import { EAGAIN, PosixError } from "../../posix/libc.ts";

const mutexByte = 2 ** 30;
/** A byte for each seat follows. */
const seatBytes = mutexByte;
const allSeatBytes = mutexByte + 1;
/**
 * Another byte for each seat: a participant of a group locks it until it is granted, as those behind wait for just
 * that.
 */
const waitingBytes = mutexByte + 2 ** 11;

/** How often to try to lock the mutex without a pause: about 0.2 ms, longer than most have it. */
const maxSpins = 64;
/** The longest pause between two tries from then on, in milliseconds. */
const maxPause = 10;

/**
 * A third byte for each seat: a command that is to keep the seat has it locked, together with others, by a description
 * that may only read. A command may have fewer rights than its run: it cannot write the ledger, nor let go of what its
 * run has locked.
 */
const companionBytes = mutexByte + 2 ** 12;

/**
 * Asks the kernel whether a seat is kept by another description than this one: by its participant, or, when that died,
 * by the command that it has started. The passing read locks of those who wait for the seat do not count.
 */
export function isSeatLocked(descriptor: number, seat: number): boolean {
  return (
    isOwnedByOther(descriptor, seatBytes + seat) ||
    isLockedByOther(descriptor, companionBytes + seat)
  );
}

/** Asks the kernel whether any seat's byte is locked by another description than this one. */
export function isAnySeatLocked(descriptor: number): boolean {
  return isLockedByOther(descriptor, allSeatBytes, 0);
}

/** Locks the mutex together with others that only read, if no participant has it. */
export function tryShareMutex(descriptor: number): boolean {
  return tryShareByte(descriptor, mutexByte);
}

export function unlockSharedMutex(descriptor: number): void {
  unlockByte(descriptor, mutexByte);
}

export class SeatLocks {
  readonly #descriptor: number;
  /** Of the description that was handed on, which has the companion byte of the seat; undefined for none. */
  #companion: number | undefined;
  /** The seat whose byte this description has locked, 0 for none: the kernel tells only about others' locks. */
  mine = 0;
  /** Whether the waiting byte of the seat is locked, too. */
  #isWaitingByteLocked = false;
  /** The seat that was left under the mutex, whose bytes are unlocked with it. */
  #left = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Locks the mutex, which participants have for microseconds. It is not waited for in the kernel, where neither the
   * library nor a request that must not wait has a limit: anybody who may read the ledger can lock it, and a process
   * that has it may be stopped.
   *
   * @param seconds how long to try
   */
  lockMutex(seconds: number): boolean {
    for (let tries = 0; tries < maxSpins; tries++) {
      if (tryLockByte(this.#descriptor, mutexByte)) return true;
    }
    const end = monotonicSeconds() + seconds;
    for (let pause = 1; monotonicSeconds() < end; pause = Math.min(pause + 1, maxPause)) {
      Bun.sleepSync(pause);
      if (tryLockByte(this.#descriptor, mutexByte)) return true;
    }
    return false;
  }

  /** Unlocks the mutex, and the bytes of the seat that was left meanwhile, which is returned; 0 for none. */
  unlockMutex(): number {
    const left = this.#left;
    this.#left = 0;
    if (left !== 0 && this.mine === 0) {
      // All that this description has.
      unlockByte(this.#descriptor, mutexByte, 0);
      return left;
    }
    if (left !== 0) {
      unlockByte(this.#descriptor, seatBytes + left);
      unlockByte(this.#descriptor, waitingBytes + left);
    }
    unlockByte(this.#descriptor, mutexByte);
    return left;
  }

  /** Locks the byte of a seat for this participant, if no other one has it. */
  tryTake(seat: number): boolean {
    if (!tryLockByte(this.#descriptor, seatBytes + seat)) return false;
    if (this.#left === seat) {
      this.#left = 0;
      unlockByte(this.#descriptor, waitingBytes + seat);
    }
    this.mine = seat;
    return true;
  }

  /** The seat is left, and its companion byte was unlocked before: its other bytes are unlocked with the mutex. */
  leave(): void {
    this.#left = this.mine;
    this.mine = 0;
    this.#isWaitingByteLocked = false;
  }

  /** Unlocks the bytes of the seat at once. */
  abandon(): void {
    this.endCompanion();
    unlockByte(this.#descriptor, allSeatBytes, 0);
    this.mine = 0;
    this.#isWaitingByteLocked = false;
  }

  /** Shows those behind this participant that it waits. */
  lockWaitingByte(): void {
    if (this.#isWaitingByteLocked || this.mine === 0) return;
    // Somebody behind may have it for a moment, to see whether it is free: then the next attempt locks it.
    this.#isWaitingByteLocked = tryLockByte(this.#descriptor, waitingBytes + this.mine);
  }

  /** Shows those behind this participant that it waits no longer. */
  unlockWaitingByte(): void {
    if (!this.#isWaitingByteLocked) return;
    this.#isWaitingByteLocked = false;
    unlockByte(this.#descriptor, waitingBytes + this.mine);
  }

  /** Blocks until a seat is free, its companion byte too; false where a signal came first. */
  waitForSeat(seat: number): boolean {
    if (!waitForByte(this.#descriptor, seatBytes + seat)) return false;
    // Mostly nobody has it: to ask is cheaper than to lock and unlock it.
    if (!isLockedByOther(this.#descriptor, companionBytes + seat)) return true;
    return waitForSharedByte(this.#descriptor, companionBytes + seat);
  }

  /** Blocks until a seat's waiting byte is free; false where a signal came first. */
  waitForWaitingByte(seat: number): boolean {
    return waitForByte(this.#descriptor, waitingBytes + seat);
  }

  /** Asks the kernel whether a seat's waiting byte is locked by another participant. */
  isWaitingByteLocked(seat: number): boolean {
    return isLockedByOther(this.#descriptor, waitingBytes + seat);
  }

  /** A descriptor for a command that is to keep the seat as long as it lives, or until the seat is left. */
  handOn(lowestDescriptor: number): number {
    if (this.#companion === undefined) {
      const companion = reopenToRead(this.#descriptor);
      if (!tryShareByte(companion, companionBytes + this.mine)) {
        closeFile(companion);
        // Only a program that is none of ours locks it for itself: a command would not keep its lock then.
        throw new PosixError("fcntl", EAGAIN);
      }
      this.#companion = companion;
    }
    return duplicate(this.#companion, lowestDescriptor);
  }

  /** Unlocks the companion byte, for all who have inherited the description: a daemon left behind keeps nothing. */
  endCompanion(): void {
    if (this.#companion === undefined) return;
    unlockByte(this.#companion, companionBytes + this.mine);
    closeFile(this.#companion);
    this.#companion = undefined;
  }

  close(): void {
    if (this.#companion !== undefined) closeFile(this.#companion);
    this.#companion = undefined;
    closeFile(this.#descriptor);
  }
}
