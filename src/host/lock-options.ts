/** The options of the library's class. */
import type { LockLogger } from "../lock/messages.ts";
import { requireBoolean, requireOptions, requireText } from "../lock/request-options.ts";
import { closeFile } from "../posix/file.ts";
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
 * Checks how to open a lock, but for its access: `accessOf`.
 *
 * @throws {TypeError} for a value of another type
 * @throws {RangeError} for a segment of no size
 */
export function requireOpening(options: ResourceLockOptions): void {
  requireOptions(options);
  const { sharedMemorySize: bytes = 1, create, logger } = options;
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new RangeError(`Cannot create an info segment of ${String(bytes)} bytes`);
  }
  requireBoolean("create", create);
  if (logger !== undefined && typeof logger?.debug !== "function") {
    throw new TypeError("Cannot use a logger that has no function debug(text, method)");
  }
}

/**
 * Checks how to release a lock.
 *
 * @throws {TypeError} for a value of another type
 */
export function requireRelease(options: UngetLockOptions): void {
  requireOptions(options);
  requireBoolean("force", options.force);
  requireText("whereCalled", options.whereCalled);
}

/**
 * Checks the number of a process; 0 stands for none.
 *
 * @throws {RangeError} for what is no such number
 */
export function requireProcessId(pid: number): void {
  if (Number.isInteger(pid) && pid >= 0 && pid <= maxProcessId) return;
  throw new RangeError(
    `Cannot bind a lock to process ${String(pid)}: give a process ID, or 0 for none`,
  );
}

/** The largest number of a descriptor that the kernel can be asked for. */
const maxDescriptor = 2 ** 31 - 1;

/**
 * Opens a descriptor whose number is not below another one.
 *
 * @throws {RangeError} for what is no such number, and for one above the limit of open files
 */
export function openFrom(
  lowest: number,
  open: (lowest: number) => number | undefined,
): number | undefined {
  const cannot = `Cannot hand a lock on as descriptor ${String(lowest)}`;
  if (!Number.isInteger(lowest) || lowest < 0 || lowest > maxDescriptor) {
    throw new RangeError(`${cannot}: give the lowest number that it may have, as in 64`);
  }
  const descriptor = open(lowest);
  if (descriptor === undefined || descriptor >= lowest) return descriptor;
  closeFile(descriptor);
  throw new RangeError(`${cannot}: it is above the limit of open files (ulimit -n)`);
}
