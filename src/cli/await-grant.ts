/** Waiting for a lock on the command line: in the kernel, in slices, between signals and notices. */
import type { ResourceLock } from "../lock/resource-lock.ts";
import { monotonicSeconds } from "../posix/clock.ts";
import { Interrupted, type SignalTrap, turn } from "./signals.ts";
import { WaitNotice } from "./wait-notice.ts";

/** A signal that comes in just before the thread blocks is noticed after a slice. */
const sliceSeconds = 1;

export interface AwaitGrantOptions {
  /** Seconds; null is for ever. */
  timeout: number | null;
  lockInfo: string;
  /** The signals that end the wait. */
  trap: SignalTrap;
  /** Whether to tell on stderr what is waited for. */
  quiet: boolean;
}

/**
 * Gets a lock.
 *
 * @returns whether it was granted in time
 * @throws {Interrupted} by a signal; then nothing is taken
 */
export async function awaitGrant(
  lock: ResourceLock,
  { timeout, lockInfo, trap, quiet }: AwaitGrantOptions,
): Promise<boolean> {
  const request = lock.request({ timeout, lockInfo });
  let granted = request.poll();
  if (!granted && request.remainingSeconds > 0) {
    const notice = quiet ? undefined : new WaitNotice(lock);
    const startSeconds = monotonicSeconds();
    try {
      while (!granted && request.remainingSeconds > 0) {
        granted = request.block(sliceSeconds) === "granted";
        await turn();
        if (trap.received !== undefined) break;
        if (!granted) notice?.update(monotonicSeconds() - startSeconds);
      }
    } finally {
      notice?.end();
    }
  }
  await turn();
  if (trap.received !== undefined) {
    if (granted && lock.settle(granted, lockInfo)) lock.ungetLock({ whereCalled: trap.received });
    throw new Interrupted(trap.received);
  }
  return lock.settle(granted, lockInfo);
}
