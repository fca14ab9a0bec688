/** Waiting in the kernel, for a program that owns its process and its signals: the command line. */
import { catchAlarms, setAlarm } from "../posix/alarm.ts";
import { EventLoopWatch } from "../posix/event-loop.ts";
import { ignoreSignal, isIgnored } from "../posix/process.ts";
import type { Attempt, WaitStrategy } from "./acquire.ts";

/** Blocks the thread on byte locks, which have no limit: the signal of an alarm is the limit. */
export class KernelWait implements WaitStrategy {
  readonly abilities = { usesFutex: false, blocksAtSemaphore: true };
  #eventLoop: EventLoopWatch | undefined;
  #wasIgnored = false;

  *untilDue(attempt: Attempt): Generator<number, void> {
    const { blocked } = attempt;
    if (blocked === undefined) return;
    const eventLoop = (this.#eventLoop ??= this.#begin());
    const hasOwnLimit = blocked.on === "semaphore" || blocked.on === "timer";
    setAlarm(hasOwnLimit ? 0 : Math.max(0.001, attempt.secondsToRetry()));
    attempt.participant.blockInKernel(blocked, attempt.secondsToRetry());
    if (eventLoop.isDue) yield 0;
  }

  #begin(): EventLoopWatch {
    this.#wasIgnored = isIgnored("SIGALRM");
    catchAlarms();
    return new EventLoopWatch();
  }

  end(): void {
    if (this.#eventLoop === undefined) return;
    setAlarm(0);
    if (this.#wasIgnored) ignoreSignal("SIGALRM");
  }
}
