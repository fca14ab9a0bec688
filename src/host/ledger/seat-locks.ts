/**
 * The kernel's byte locks that vouch for a ledger: the mutex, and the seat of one participant. They lie beyond all
 * data, and belong to an open file description: the kernel drops them when the last process that has it open ends.
 */
import {
  isLockedByOther,
  lockByte,
  tryLockByte,
  tryShareByte,
  unlockByte,
  waitForByte,
} from "../../posix/byte-lock.ts";
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

  lockMutex(): void {
    lockByte(this.#mutexDescriptor, mutexByte);
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
