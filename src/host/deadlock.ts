/** Deadlocks among the locks of this host. Loaded only where somebody waits. */
import { type Ancestry, type Circle, WaitGraph } from "../lock/circle.ts";
import { DeadlockWatch } from "../lock/deadlock-watch.ts";
import type { LockState } from "../lock/status.ts";
import { monotonicSeconds } from "../posix/clock.ts";
import { processAndAncestors } from "../posix/process-start.ts";
import { locksOnHost } from "./inventory/list.ts";
import { isHoldOf } from "./ledger/process-number.ts";

const ancestry: Ancestry = ({ pid }) => (pid === null ? [] : processAndAncestors(pid));

/**
 * Locks without the numbers of holders that are other processes' by now: these wait for nobody in the holders' place.
 * Only where somebody waits, as each is a question to /proc.
 */
function withoutReusedNumbers(locks: readonly LockState[]): LockState[] {
  return locks.map((lock) => {
    if (lock.waiters.length === 0) return lock;
    const holders = lock.holders.map((holder) => {
      const isOwn = holder.pid === null || isHoldOf(holder, holder.pid);
      return isOwn ? holder : { ...holder, pid: null };
    });
    return { ...lock, holders };
  });
}

/** All circles among the locks of this host. @param locks where they were looked at already */
export function circlesOnHost(locks: readonly LockState[] = locksOnHost()): Circle[] {
  if (!locks.some(({ waiters }) => waiters.length > 0)) return [];
  return new WaitGraph(withoutReusedNumbers(locks), ancestry).circles();
}

/** @param inspect looks at one lock, which may be open already */
export function watchDeadlocks(
  lockName: string,
  inspect: (lockName: string) => Promise<LockState | undefined>,
): DeadlockWatch {
  const own = { pid: process.pid };
  return new DeadlockWatch(lockName, {
    list: async () => withoutReusedNumbers(locksOnHost()),
    inspect,
    clock: monotonicSeconds,
    ancestry,
    own,
  });
}
