/** The options of the library's class. */
import type { LockLogger } from "../lock/messages.ts";
import { maxProcessId } from "../posix/process-start.ts";

/** How to open a lock. */
export interface ResourceLockOptions {
  /**
   * Bytes of the info segment of a lock that is created; one that exists keeps its size.
   *
   * @default 4096
   */
  sharedMemorySize?: number | undefined;
  /**
   * Whether to create the lock if there is none.
   *
   * @default true
   */
  create?: boolean | undefined;
  /**
   * Permission bits of a lock that is created, whatever the umask; one that exists keeps what it has.
   *
   * @default 0o600, and 0o660 with `group`
   */
  mode?: number | undefined;
  /**
   * The group, by name or number, of a lock that is created.
   *
   * @default the group of the process
   */
  group?: string | number | undefined;
  /**
   * Where debug texts go.
   *
   * @default nowhere
   */
  logger?: LockLogger | undefined;
}

/** How to request a lock. */
export interface GetLockOptions {
  /**
   * How long to wait: seconds, or a text such as "500ms", "5s", "1h30m". 0 tries once, null waits forever.
   *
   * @default 1
   */
  timeout?: number | string | null | undefined;
  /**
   * A note on who takes the lock and why, which others see. The date and time are put before it.
   *
   * @default ""
   */
  lockInfo?: string | undefined;
  /**
   * Whether to hold the lock together with others that are shared too, but with no exclusive holder.
   *
   * @default false
   */
  shared?: boolean | undefined;
  /**
   * Holds the lock together with others that give a number of slots too, at most this many at once: 1 to 1023.
   *
   * @default none
   */
  slots?: number | undefined;
  /**
   * Whether to take over the lock from a holder that died.
   *
   * @default true
   */
  adopt?: boolean | undefined;
}

/** How to release a lock. */
export interface UngetLockOptions {
  /**
   * Whether to release the lock whoever holds it.
   *
   * @default false
   */
  force?: boolean | undefined;
  /**
   * The code that releases the lock, for the debug text.
   *
   * @default ""
   */
  whereCalled?: string | undefined;
}

/**
 * Checks the slots of a request.
 *
 * @throws {RangeError} for a number of slots that no lock has, and for slots of a shared hold
 */
export function requireSlots(slots: number | undefined, shared: boolean): void {
  if (slots === undefined) return;
  if (shared) throw new RangeError("Cannot hold a lock both shared and in slots");
  if (!Number.isInteger(slots) || slots < 1 || slots > 1023) {
    throw new RangeError(`Cannot hold a lock in ${slots} slots: give a number from 1 to 1023`);
  }
}

/**
 * Checks the number of a process; 0 stands for none.
 *
 * @throws {RangeError} for what is no such number
 */
export function requireProcessId(pid: number): void {
  if (Number.isInteger(pid) && pid >= 0 && pid <= maxProcessId) return;
  throw new RangeError(`Cannot bind a lock to process ${pid}: give a process ID, or 0 for none`);
}
