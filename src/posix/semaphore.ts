/** POSIX named semaphores: sem_overview(7), on a mapping of our own. */
import { read, toArrayBuffer } from "bun:ffi";
import { monotonicSeconds } from "./clock.ts";
import { isWordThere, waitForWord } from "./futex.ts";
import {
  check,
  EAGAIN,
  EINTR,
  lastErrno,
  lastError,
  long,
  openLibc,
  PosixError,
  size,
} from "./libc.ts";

const libc = openLibc({
  mmap: { args: ["ptr", size, "i32", "i32", "i32", long], returns: long },
  munmap: { args: [long, size], returns: "i32" },
  sem_trywait: { args: [long], returns: "i32" },
  sem_post: { args: [long], returns: "i32" },
});

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** sizeof(sem_t) on 64-bit glibc: the size of a semaphore's file. */
export const semaphoreBytes = 32;

/**
 * The bytes of a semaphore's file, as the C library itself fills them for a semaphore that processes share: sem_open
 * writes the same (glibc, sysdeps/pthread/sem_open.c).
 */
export function initialSemaphore(value: number): Uint8Array {
  const { sem_init } = openLibc({ sem_init: { args: ["ptr", "i32", "u32"], returns: "i32" } });
  const bytes = new Uint8Array(semaphoreBytes);
  const shared = 1;
  check("sem_init", sem_init(bytes, shared, value));
  return bytes;
}

/*
 * glibc's struct new_sem (sysdeps/nptl/internaltypes.h), where there are 64-bit atomics: the value, the count of
 * those who wait, and how its futex is shared.
 */
const valueOffset = 0;
const waitersOffset = 4;
const sharedOffset = 8;
/** Where two words stand that glibc leaves alone: see {@link SemaphoreMark}. */
const marksOffset = 16;
const waitersWord = waitersOffset / Uint32Array.BYTES_PER_ELEMENT;
const marksWord = marksOffset / Uint32Array.BYTES_PER_ELEMENT;
/** FUTEX_SHARED of sysdeps/nptl/futex-internal.h. */
const sharedByProcesses = 128;
/** PID_MAX_LIMIT of linux/threads.h: more threads cannot wait. */
const maxWaiters = 2 ** 22;
/** More units are nobody's mistake any more, and each one that is too many has to be taken out. */
export const maxUnits = 2 ** 16;

/** What is wrong with the content of a semaphore; undefined if nothing is. Garbage would have glibc abort. */
function faultOf(value: number, waiters: number, shared: number): string | undefined {
  if (shared !== sharedByProcesses || waiters > maxWaiters) {
    return "it does not have what a semaphore of this C library has";
  }
  return value > maxUnits ? `it stands at ${value}` : undefined;
}

/**
 * A word of a semaphore's file that glibc leaves alone: of the {@link semaphoreBytes} it uses the first 16, and sem_open
 * fills the others with zeros. What the two of them mean is for the caller to say.
 */
export type SemaphoreMark = 0 | 1;

/** The value in the bytes of a semaphore's file, without mapping it. */
export function valueInSemaphore(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(valueOffset, true);
}

/** {@link Semaphore.readMark} in the bytes of a semaphore's file. */
export function markInSemaphore(bytes: Uint8Array, which: SemaphoreMark): number {
  const offset = marksOffset + which * Uint32Array.BYTES_PER_ELEMENT;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

/** What is wrong in the bytes of a semaphore's file, whatever it counts; undefined if nothing is. */
export function faultInSemaphore(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return faultOf(0, view.getUint32(waitersOffset, true), view.getUint32(sharedOffset, true));
}

/** How a blocking wait ended: with a unit, at its deadline, or because a signal came in. */
export type WaitResult = "granted" | "elapsed" | "interrupted";

/**
 * A semaphore that exists, mapped from a descriptor. sem_open would open it by name once more: between the look at
 * the file and that call somebody could put another file there, or one that blocks.
 */
export class Semaphore {
  /** 0 once it is closed: a call with an address that is mapped no more would end the process. */
  #address: number;
  #words: Uint32Array | undefined;
  /** Tells the file from others that get its name later. */
  readonly inode: number;

  /**
   * @param descriptor of its file, which has {@link semaphoreBytes}: touching a shorter one would end the process by
   * SIGBUS. The caller closes the descriptor.
   * @throws {PosixError} ENOMEM, ENODEV
   */
  constructor(descriptor: number, inode: number) {
    const address = libc.mmap(null, semaphoreBytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0);
    if (Number(address) === -1) throw lastError("mmap");
    this.#address = Number(address);
    this.inode = inode;
  }

  /** What is wrong with its content; undefined if nothing is. No system call. */
  readFault(): string | undefined {
    return faultOf(this.#word(valueOffset), this.#word(waitersOffset), this.#word(sharedOffset));
  }

  readMark(which: SemaphoreMark): number {
    return Atomics.load(this.#allWords(), marksWord + which);
  }

  setMark(which: SemaphoreMark, value: number): void {
    Atomics.store(this.#allWords(), marksWord + which, value);
  }

  /** Sets a mark to 0 if it still is the expected one. */
  clearMark(which: SemaphoreMark, expected: number): void {
    Atomics.compareExchange(this.#allWords(), marksWord + which, expected, 0);
  }

  #allWords(): Uint32Array {
    this.#words ??= new Uint32Array(toArrayBuffer(this.#mapped(), 0, semaphoreBytes));
    return this.#words;
  }

  /** Takes a unit if there is one. */
  tryWait(): boolean {
    if (libc.sem_trywait(this.#mapped()) === 0) return true;
    const errno = lastErrno();
    // EINTR is what the manual allows; with nothing to wait for it means the same: not this time.
    if (errno === EAGAIN || errno === EINTR) return false;
    throw new PosixError("sem_trywait", errno);
  }

  /**
   * Blocks the thread until there is a unit to take, for `seconds` at most, on a clock that nobody sets. This is what
   * sem_clockwait does (glibc, nptl/sem_waitcommon.c), but that touches the semaphore after each wait: if its file was
   * cut short meanwhile, the process would end by SIGBUS.
   *
   * @param mayTouch called at the start and after each wait; if it is not, the wait ends as by a signal
   */
  timedWait(seconds: number, mayTouch: () => boolean): WaitResult {
    if (!mayTouch()) return "interrupted";
    if (this.tryWait()) return "granted";
    const end = monotonicSeconds() + seconds;
    // Whoever posts wakes somebody from now on.
    Atomics.add(this.#allWords(), waitersWord, 1);
    for (;;) {
      const left = Math.max(0, end - monotonicSeconds());
      const ended = waitForWord(this.#mapped() + valueOffset, 0, left);
      if (!mayTouch()) return "interrupted";
      const result = this.tryWait() ? "granted" : ended;
      if (result === "woken") continue;
      this.#countOff();
      return result;
    }
  }

  /** Counts this waiter off, unless somebody has written the count anew meanwhile. */
  #countOff(): void {
    const words = this.#allWords();
    for (let count = Atomics.load(words, waitersWord); count > 0;) {
      const found = Atomics.compareExchange(words, waitersWord, count, count - 1);
      if (found === count) return;
      count = found;
    }
  }

  /** Whether its bytes are there: if somebody cut its file short, touching it would end this process by SIGBUS. */
  get isThere(): boolean {
    return isWordThere(this.#mapped() + valueOffset);
  }

  /** Gives a unit back. @throws {PosixError} EOVERFLOW */
  post(): void {
    check("sem_post", libc.sem_post(this.#mapped()));
  }

  /** What sem_getvalue says: on Linux never less than 0. */
  get value(): number {
    return this.#word(valueOffset);
  }

  close(): void {
    if (this.#address === 0) return;
    check("munmap", libc.munmap(this.#address, semaphoreBytes));
    this.#address = 0;
    this.#words = undefined;
  }

  #word(offset: number): number {
    return read.u32(this.#mapped(), offset);
  }

  #mapped(): number {
    if (this.#address === 0) throw new Error("Cannot use a semaphore: it was closed");
    return this.#address;
  }
}
