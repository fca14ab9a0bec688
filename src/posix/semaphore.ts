/** POSIX named semaphores: sem_overview(7). */
import { type Pointer } from "bun:ffi";
import {
  check,
  cString,
  EAGAIN,
  EINTR,
  ETIMEDOUT,
  lastErrno,
  lastError,
  openLibc,
  PosixError,
} from "./libc.ts";
import { clockMonotonic, deadlineAfter } from "./clock.ts";

const libc = openLibc({
  sem_open: { args: ["ptr", "i32"], returns: "ptr" },
  sem_close: { args: ["ptr"], returns: "i32" },
  sem_trywait: { args: ["ptr"], returns: "i32" },
  sem_post: { args: ["ptr"], returns: "i32" },
  sem_getvalue: { args: ["ptr", "ptr"], returns: "i32" },
});

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

/**
 * The value in the bytes of a semaphore's file, without the cost of opening and mapping it: glibc's struct new_sem
 * (sysdeps/nptl/internaltypes.h) has it, where there are 64-bit atomics, in the low half of its first 64 bits, and
 * the count of those who wait in the high half.
 */
export function valueInSemaphore(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** How a blocking wait ended: with a unit, at its deadline, or because a signal came in. */
export type WaitResult = "granted" | "elapsed" | "interrupted";

/** A `sem_t *`. */
type Address = Pointer | bigint;

type TimedWait = (semaphore: Address, seconds: number) => number;
let timedWaitOfHost: TimedWait | undefined;

/**
 * sem_clockwait (glibc 2.30) on the monotonic clock, so that setting the clock, which a Raspberry Pi does
 * at each boot, neither ends a wait early nor makes it longer; else sem_timedwait. Looked up at the
 * first wait: most runs never wait.
 */
function timedWait(): TimedWait {
  if (timedWaitOfHost === undefined) {
    try {
      const { sem_clockwait } = openLibc({
        sem_clockwait: { args: ["ptr", "i32", "ptr"], returns: "i32" },
      });
      timedWaitOfHost = (semaphore, seconds) =>
        sem_clockwait(semaphore, clockMonotonic, deadlineAfter(seconds, clockMonotonic));
    } catch {
      const { sem_timedwait } = openLibc({
        sem_timedwait: { args: ["ptr", "ptr"], returns: "i32" },
      });
      timedWaitOfHost = (semaphore, seconds) => sem_timedwait(semaphore, deadlineAfter(seconds));
    }
  }
  return timedWaitOfHost;
}

const valueBuffer = new Int32Array(1);

export class Semaphore {
  readonly #semaphore: Address;

  private constructor(semaphore: Address) {
    this.#semaphore = semaphore;
  }

  /**
   * Opens a semaphore that exists. glibc maps a file of any size, and touching a short one would end the
   * process by SIGBUS: check its size before.
   *
   * @param name with its leading slash
   * @throws {PosixError} ENOENT, EACCES ...
   */
  static open(name: string): Semaphore {
    const semaphore = libc.sem_open(cString(name), 0);
    if (semaphore === null) throw lastError("sem_open");
    return new Semaphore(semaphore);
  }

  /** Takes a unit if there is one. */
  tryWait(): boolean {
    if (libc.sem_trywait(this.#semaphore) === 0) return true;
    const errno = lastErrno();
    // EINTR is what the manual allows; with nothing to wait for it means the same: not this time.
    if (errno === EAGAIN || errno === EINTR) return false;
    throw new PosixError("sem_trywait", errno);
  }

  /** Blocks the thread until there is a unit to take, for `seconds` at most. */
  timedWait(seconds: number): WaitResult {
    if (timedWait()(this.#semaphore, seconds) === 0) return "granted";
    const errno = lastErrno();
    if (errno === ETIMEDOUT) return "elapsed";
    if (errno === EINTR) return "interrupted";
    throw new PosixError("sem_clockwait", errno);
  }

  /** Gives a unit back. @throws {PosixError} EOVERFLOW */
  post(): void {
    check("sem_post", libc.sem_post(this.#semaphore));
  }

  get value(): number {
    check("sem_getvalue", libc.sem_getvalue(this.#semaphore, valueBuffer));
    return valueBuffer[0] ?? 0;
  }

  close(): void {
    check("sem_close", libc.sem_close(this.#semaphore));
  }
}
