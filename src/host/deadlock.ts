/** Deadlocks among the locks of this host. Loaded only where somebody waits. */
import { type Ancestry, type Circle, WaitGraph } from "../lock/circle.ts";
import { DeadlockWatch } from "../lock/deadlock-watch.ts";
import type { LockState } from "../lock/status.ts";
import { monotonicSeconds } from "../posix/clock.ts";
import { processAndAncestors } from "../posix/process-start.ts";
import { locksNamed, locksOnHost, scanLocks } from "./inventory/list.ts";
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

/** For how long one look may keep a waiter from its lock, and its process from signals. */
const maxLookSeconds = 0.02;

/**
 * @param inspect looks at one lock, which may be open already
 * @param lookSeconds how long one look may take: there may be thousands of locks
 */
export function watchDeadlocks(
  lockName: string,
  inspect: (lockName: string) => Promise<LockState | undefined>,
  lookSeconds = maxLookSeconds,
): DeadlockWatch {
  const own = { pid: process.pid };
  let scan: ReturnType<typeof scanLocks> | undefined;
  let known = new Map<number, Iterable<number>>();
  return new DeadlockWatch(lockName, {
    list: async () => {
      const going = (scan ??= scanLocks());
      scan = undefined;
      const seen = within(lookSeconds, going);
      if (seen === undefined) scan = going;
      else known = new Map();
      return seen;
    },
    lookAgain: (names) => withoutReusedNumbers(locksNamed(names)),
    inspect,
    clock: monotonicSeconds,
    // Thousands of waiters may say that they are of one process.
    ancestry: (process) => {
      const { pid } = process;
      if (pid === null) return [];
      const above = known.get(pid) ?? ancestry(process);
      known.set(pid, above);
      return above;
    },
    own,
  });
}

/** Goes on for some time, one step at least. @returns what came out; undefined where there is more to do */
function within<T>(seconds: number, steps: Generator<void, T>): T | undefined {
  const end = monotonicSeconds() + seconds;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (monotonicSeconds() >= end) return undefined;
  }
}
