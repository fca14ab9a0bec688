/** POSIX named semaphores: sem_overview(7). */
import { type Pointer } from "bun:ffi";
import { check, cString, lastError, openLibc } from "./libc.ts";
import { clockMonotonic, deadlineAfter } from "./clock.ts";

const libc = openLibc({
  sem_open: { args: ["ptr", "i32", "u32", "u32"], returns: "ptr" },
  sem_close: { args: ["ptr"], returns: "i32" },
  sem_trywait: { args: ["ptr"], returns: "i32" },
  sem_post: { args: ["ptr"], returns: "i32" },
  sem_getvalue: { args: ["ptr", "ptr"], returns: "i32" },
});

const O_CREAT = 0o100;
const O_EXCL = 0o200;

/** sizeof(sem_t) on 64-bit glibc: the size of a semaphore's file. */
export const semaphoreBytes = 32;

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
    const semaphore = libc.sem_open(cString(name), 0, 0, 0);
    if (semaphore === null) throw lastError("sem_open");
    return new Semaphore(semaphore);
  }

  /**
   * Makes a semaphore that does not exist yet.
   *
   * @throws {PosixError} EEXIST, ENOSPC, EROFS ...
   */
  static create(name: string, mode: number, value: number): Semaphore {
    const semaphore = libc.sem_open(cString(name), O_CREAT | O_EXCL, mode, value);
    if (semaphore === null) throw lastError("sem_open");
    return new Semaphore(semaphore);
  }

  /** Takes a unit if there is one. */
  tryWait(): boolean {
    if (libc.sem_trywait(this.#semaphore) === 0) return true;
    const error = lastError("sem_trywait");
    // EINTR is what the manual allows; with nothing to wait for it means the same: not this time.
    if (error.code === "EAGAIN" || error.code === "EINTR") return false;
    throw error;
  }

  /** Blocks the thread until there is a unit to take, for `seconds` at most. */
  timedWait(seconds: number): WaitResult {
    if (timedWait()(this.#semaphore, seconds) === 0) return "granted";
    const error = lastError("sem_clockwait");
    if (error.code === "ETIMEDOUT") return "elapsed";
    if (error.code === "EINTR") return "interrupted";
    throw error;
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
