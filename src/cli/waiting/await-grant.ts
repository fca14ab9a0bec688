/** Waiting for a lock on the command line: in the kernel, between signals and notices. */
import { acquireAsync } from "../../host/acquire.ts";
import { KernelWait } from "../../host/kernel-wait.ts";
import type { GetLockOptions, ResourceLock } from "../../host/resource-lock.ts";
import { diagnostics } from "../terminal/output.ts";
import { Interrupted, type SignalTrap, turn } from "./signals.ts";
import { WaitNotice } from "./wait-notice.ts";

export interface AwaitGrantOptions extends GetLockOptions {
  /** Seconds; null is for ever. */
  timeout: number | null;
  lockInfo: string;
  /** The signals that end the wait. */
  trap: SignalTrap;
  /** Whether to tell on stderr what is waited for, and what was adopted. */
  quiet: boolean;
  /** Whether the caller speaks as cjnfuncs.resourcelock does, which says nothing while it waits. */
  seedOrder: boolean;
}

/**
 * Gets a lock.
 *
 * @returns whether it was granted in time
 * @throws {Interrupted} by a signal; then nothing is taken
 */
export async function awaitGrant(
  lock: ResourceLock,
  { trap, quiet, seedOrder, ...wish }: AwaitGrantOptions,
): Promise<boolean> {
  const wait = new KernelWait();
  const signal = {
    get aborted() {
      return trap.received !== undefined;
    },
    throwIfAborted() {
      if (trap.received !== undefined) throw new Interrupted(trap.received);
      if (wait.hasCallersAlarmCome()) throw new Interrupted("SIGALRM");
    },
  };
  let notice: WaitNotice | undefined;
  const attempt = lock.request(wish, wait, signal, (waitedSeconds) => {
    if (quiet || seedOrder) return;
    notice ??= new WaitNotice(lock.lockName);
    notice.update(waitedSeconds, () => ({
      ...attempt.participant.position(),
      holders: lock.status().holders,
      info: lock.getLockInfo(),
    }));
  });
  let granted: boolean;
  try {
    granted = await acquireAsync(attempt, wait);
  } finally {
    notice?.end();
  }
  await turn();
  if (trap.received !== undefined) {
    if (lock.settle(attempt, granted)) lock.ungetLock({ whereCalled: trap.received });
    throw new Interrupted(trap.received);
  }
  const { adopted } = attempt.participant;
  if (adopted !== undefined && !quiet) diagnostics().info(adoptedText(lock.lockName, adopted));
  return lock.settle(attempt, granted);
}

function adoptedText(
  lockName: string,
  { process: id, message }: { process: number; message: string },
): string {
  const label = message === "" ? "" : ` (${message})`;
  const who = id === 0 ? "a process that died" : `pid ${id}${label}, which died`;
  return `took over lock "${lockName}" from ${who}; its work may be unfinished`;
}

/** What there is to say of a wait that was given up. */
export function timedOut(lock: ResourceLock, waitedSeconds: number) {
  return {
    reason: "timeout",
    waitedSeconds,
    info: lock.getLockInfo(),
    holders: lock.status().holders,
    by: [],
  } as const;
}
