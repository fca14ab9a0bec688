/**
 * The kernel's byte locks that vouch for a ledger: the mutex, and the seat of one participant. They lie beyond all
 * data, and belong to an open file description: the kernel drops them when the last process that has it open ends.
 */
import {
  isLockedByOther,
  tryLockByte,
  tryShareByte,
  unlockByte,
  waitForByte,
} from "../../posix/byte-lock.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { closeFile, duplicate, openToReadWrite } from "../../posix/file.ts";

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

/** Asks the kernel whether a seat's byte is locked by another description than this one. */
export function isSeatLocked(descriptor: number, seat: number): boolean {
  return isLockedByOther(descriptor, seatBytes + seat);
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
  /** Of a description of its own once the other one was handed on: who inherits that must not have the mutex. */
  #mutexDescriptor: number;
  /** The seat whose byte this description has locked, 0 for none: the kernel tells only about others' locks. */
  mine = 0;
  /** Whether the waiting byte of the seat is locked, too. */
  #isWaitingByteLocked = false;
  /** The seat that was left under the mutex, whose bytes are unlocked with it. */
  #left = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#mutexDescriptor = descriptor;
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
      if (tryLockByte(this.#mutexDescriptor, mutexByte)) return true;
    }
    const end = monotonicSeconds() + seconds;
    for (let pause = 1; monotonicSeconds() < end; pause = Math.min(pause + 1, maxPause)) {
      Bun.sleepSync(pause);
      if (tryLockByte(this.#mutexDescriptor, mutexByte)) return true;
    }
    return false;
  }

  /** Unlocks the mutex, and the bytes of the seat that was left meanwhile, which is returned; 0 for none. */
  unlockMutex(): number {
    const left = this.#left;
    this.#left = 0;
    const isOneDescription = this.#mutexDescriptor === this.#descriptor;
    if (left !== 0 && this.mine === 0) {
      // All that this description has.
      unlockByte(this.#descriptor, mutexByte, 0);
      if (isOneDescription) return left;
    } else if (left !== 0) {
      unlockByte(this.#descriptor, seatBytes + left);
      unlockByte(this.#descriptor, waitingBytes + left);
    }
    unlockByte(this.#mutexDescriptor, mutexByte);
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

  /** The seat is left: its bytes are unlocked with the mutex. */
  leave(): void {
    this.#left = this.mine;
    this.mine = 0;
    this.#isWaitingByteLocked = false;
  }

  /** Unlocks the bytes of the seat at once. */
  abandon(): void {
    unlockByte(this.#descriptor, allSeatBytes, 0);
    this.mine = 0;
    this.#isWaitingByteLocked = false;
  }

  /** Shows those behind this participant that it waits. */
  lockWaitingByte(): void {
    if (this.#isWaitingByteLocked || this.mine === 0) return;
    this.#isWaitingByteLocked = true;
    tryLockByte(this.#descriptor, waitingBytes + this.mine);
  }

  /** Shows those behind this participant that it waits no longer. */
  unlockWaitingByte(): void {
    if (!this.#isWaitingByteLocked) return;
    this.#isWaitingByteLocked = false;
    unlockByte(this.#descriptor, waitingBytes + this.mine);
  }

  /** Blocks until a seat's byte is free; false where a signal came first. */
  waitForSeat(seat: number): boolean {
    return waitForByte(this.#descriptor, seatBytes + seat);
  }

  /** Blocks until a seat's waiting byte is free; false where a signal came first. */
  waitForWaitingByte(seat: number): boolean {
    return waitForByte(this.#descriptor, waitingBytes + seat);
  }

  /** Asks the kernel whether a seat's waiting byte is locked by another participant. */
  isWaitingByteLocked(seat: number): boolean {
    return isLockedByOther(this.#descriptor, waitingBytes + seat);
  }

  /** A descriptor for a command that is to keep the seat as long as it lives. */
  handOn(lowestDescriptor: number): number {
    // The command inherits all locks of the description. With the mutex among them it would block everybody,
    // were this process killed while it has that.
    if (this.#mutexDescriptor === this.#descriptor) {
      this.#mutexDescriptor = openToReadWrite(`/proc/self/fd/${this.#descriptor}`);
    }
    return duplicate(this.#descriptor, lowestDescriptor);
  }

  close(): void {
    if (this.#mutexDescriptor !== this.#descriptor) closeFile(this.#mutexDescriptor);
    closeFile(this.#descriptor);
  }
}
