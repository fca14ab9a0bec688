/** Waiting for a lock on the command line: in the kernel, between signals and notices. */
import type { LockRequest } from "../../host/request.ts";
import type { GetLockOptions, ResourceLock } from "../../host/resource-lock.ts";
import { catchAlarms, setAlarm } from "../../posix/alarm.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { EventLoopWatch } from "../../posix/event-loop.ts";
import { ignoreSignal, isIgnored } from "../../posix/process.ts";
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
}

/**
 * Gets a lock.
 *
 * @returns whether it was granted in time
 * @throws {Interrupted} by a signal; then nothing is taken
 */
export async function awaitGrant(
  lock: ResourceLock,
  { trap, quiet, ...wish }: AwaitGrantOptions,
): Promise<boolean> {
  const request = lock.request({ ...wish, waits: "blocks" });
  let granted = request.poll();
  if (!granted && request.remainingSeconds > 0) {
    granted = await wait(request, trap, quiet ? undefined : new WaitNotice(lock, request));
  }
  await turn();
  if (trap.received !== undefined) {
    if (lock.settle(request, granted)) lock.ungetLock({ whereCalled: trap.received });
    throw new Interrupted(trap.received);
  }
  const { adopted } = request.participant;
  if (adopted !== undefined && !quiet) diagnostics().info(adoptedText(adopted));
  return lock.settle(request, granted);
}

function adoptedText({ process: id, message }: { process: number; message: string }): string {
  return id === 0
    ? "adopted from a process that died"
    : `adopted from pid ${id} (${message}), which died`;
}

async function wait(
  request: LockRequest,
  trap: SignalTrap,
  notice: WaitNotice | undefined,
): Promise<boolean> {
  const startSeconds = monotonicSeconds();
  // A byte lock is waited for without a limit; the alarm's signal is the limit.
  const wasIgnored = isIgnored("SIGALRM");
  catchAlarms();
  const eventLoop = new EventLoopWatch();
  let granted = false;
  try {
    while (!granted && request.remainingSeconds > 0) {
      setAlarm(request.hasOwnLimit ? 0 : Math.max(0.001, request.againSeconds));
      request.block();
      if (eventLoop.isDue) await turn();
      if (trap.received !== undefined) break;
      granted = request.poll();
      if (!granted) notice?.update(monotonicSeconds() - startSeconds);
    }
  } finally {
    setAlarm(0);
    if (wasIgnored) ignoreSignal("SIGALRM");
    notice?.end();
  }
  return granted;
}
