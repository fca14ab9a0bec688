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
 * Whether a wait ended as it may: the word had changed, time was up, a signal came in, or somebody cut the file short.
 * The caller looks again in any case.
 */
function isExpectedEnd(errno: number): boolean {
  return errno === EAGAIN || errno === ETIMEDOUT || errno === EINTR || errno === EFAULT;
}

/** struct timespec */
const timespec = new BigInt64Array(2);

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

  /**
   * Blocks the thread until the word at an offset is woken, for `seconds` at most; not at all where it is no longer as
   * expected. It may also return for no reason.
   */
  wait(offset: number, expected: number, seconds: number): void {
    const whole = Math.floor(seconds);
    timespec[0] = BigInt(whole);
    timespec[1] = BigInt(Math.floor((seconds - whole) * 1e9));
    const result = this.#call(offset, FUTEX_WAIT, expected | 0, timespec);
    if (result === -1 && !isExpectedEnd(lastErrno())) throw lastError("futex");
  }

  /** Wakes all that wait for the word at an offset. */
  wake(offset: number): void {
    // Where the file was cut short nobody can wait: nothing to wake.
    if (this.#call(offset, FUTEX_WAKE, everybody, null) === -1 && lastErrno() !== EFAULT) {
      throw lastError("futex");
    }
  }

  #call(offset: number, operation: number, value: number, time: BigInt64Array | null): number {
    const none: Pointer | null = null;
    const address = this.#address + offset;
    return Number(futexes().syscall(SYS_futex, address, operation, value, time, none, 0));
  }

  close(): void {
    futexes().munmap(this.#address, this.#bytes);
  }
}
