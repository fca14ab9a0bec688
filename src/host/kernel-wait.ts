/** Waiting in the kernel, for a program that owns its process and its signals: the command line. */
import { CallersAlarm, WaitAlarm } from "../posix/alarm.ts";
import { EventLoopWatch } from "../posix/event-loop.ts";
import type { Attempt, WaitStrategy } from "./acquire.ts";

/** Blocks the thread on byte locks, which have no limit: the signal of an alarm is the limit. */
export class KernelWait implements WaitStrategy {
  readonly abilities = { usesFutex: false, blocksAtSemaphore: true };
  #eventLoop: EventLoopWatch | undefined;
  #alarm: WaitAlarm | undefined;

  /** @throws {CallersAlarm} */
  *untilDue(attempt: Attempt): Generator<number, void> {
    const { blocked } = attempt;
    if (blocked === undefined) return;
    const eventLoop = (this.#eventLoop ??= this.#begin());
    const hasOwnLimit = blocked.on === "semaphore" || blocked.on === "timer";
    this.#alarm?.set(hasOwnLimit ? 0 : Math.max(0.001, attempt.secondsToRetry()));
    attempt.participant.blockInKernel(blocked, attempt.secondsToRetry());
    if (eventLoop.isDue) yield 0;
    if (this.#alarm?.hasCallersCome() === true) throw new CallersAlarm();
  }

  #begin(): EventLoopWatch {
    this.#alarm = new WaitAlarm();
    return new EventLoopWatch();
  }

  end(): void {
    this.#alarm?.[Symbol.dispose]();
    this.#alarm = undefined;
    this.#eventLoop = undefined;
  }
}
