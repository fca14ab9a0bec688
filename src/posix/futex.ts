/** Waiting for a word of a shared file to change: futex(2). */
import type { Pointer } from "bun:ffi";
import {
  EAGAIN,
  EFAULT,
  EINTR,
  ETIMEDOUT,
  lastErrno,
  lastError,
  long,
  PosixError,
  size,
  whenNeeded,
} from "./libc.ts";

const futexes = whenNeeded({
  mmap: { args: ["ptr", size, "i32", "i32", "i32", long], returns: long },
  munmap: { args: [long, size], returns: "i32" },
  syscall: { args: [long, long, "i32", "i32", "ptr", "ptr", "i32"], returns: long },
});

const PROT_READ = 1;
const MAP_SHARED = 1;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
/** asm/unistd.h */
const SYS_futex = process.arch === "arm64" ? 98 : 202;
const everybody = 0x7fffffff;

/**
 * How a wait ended: the word had changed, was woken, or cannot be read as somebody cut its file short; time was up; or a
 * signal came in. The caller looks again in any case.
 */
export type FutexWaitEnd = "woken" | "elapsed" | "interrupted";

function waitEndOf(errno: number): FutexWaitEnd {
  if (errno === ETIMEDOUT) return "elapsed";
  if (errno === EINTR) return "interrupted";
  if (errno === EAGAIN || errno === EFAULT) return "woken";
  throw new PosixError("futex", errno);
}

/** struct timespec */
const timespec = new BigInt64Array(2);

function futex(
  address: number,
  operation: number,
  value: number,
  time: BigInt64Array | null,
): number {
  const none: Pointer | null = null;
  return Number(futexes().syscall(SYS_futex, address, operation, value, time, none, 0));
}

/**
 * Blocks the thread until the word of 32 bits at an address of shared memory is woken, for `seconds` at most; not at all
 * where it is no longer as expected. It may also return for no reason. The word itself is not touched.
 */
export function waitForWord(address: number, expected: number, seconds: number): FutexWaitEnd {
  const whole = Math.floor(seconds);
  timespec[0] = BigInt(whole);
  timespec[1] = BigInt(Math.floor((seconds - whole) * 1e9));
  const result = futex(address, FUTEX_WAIT, expected | 0, timespec);
  return result === -1 ? waitEndOf(lastErrno()) : "woken";
}

/** What no semaphore has: to wait for it is over at once. */
const noValue = 0xffffffff;

/** Whether a word of shared memory can be read, which is not so where its file was cut short. It is not touched. */
export function isWordThere(address: number): boolean {
  return futex(address, FUTEX_WAIT, noValue | 0, null) !== -1 || lastErrno() !== EFAULT;
}

/**
 * The words of a file, as futexes between processes. The file is mapped, but this process never touches the mapping:
 * where somebody cut the file short, the kernel gives an error instead of a SIGBUS.
 */
export class FutexFile {
  readonly #address: number;
  readonly #bytes: number;

  /**
   * @param descriptor open for reading
   * @param bytes how long the file may get
   * @throws {PosixError} ENOMEM
   */
  constructor(descriptor: number, bytes: number) {
    const address = Number(futexes().mmap(null, bytes, PROT_READ, MAP_SHARED, descriptor, 0));
    if (address === -1) throw lastError("mmap");
    this.#address = address;
    this.#bytes = bytes;
  }

  /** {@link waitForWord} of the word at an offset. */
  wait(offset: number, expected: number, seconds: number): void {
    waitForWord(this.#address + offset, expected, seconds);
  }

  /** Wakes all that wait for the word at an offset. */
  wake(offset: number): void {
    // Where the file was cut short nobody can wait: nothing to wake.
    const result = futex(this.#address + offset, FUTEX_WAKE, everybody, null);
    if (result === -1 && lastErrno() !== EFAULT) throw lastError("futex");
  }

  close(): void {
    futexes().munmap(this.#address, this.#bytes);
  }
}
