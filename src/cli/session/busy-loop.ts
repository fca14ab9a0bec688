/** The event loop of a session whose client never pauses: requests that are done at once await nothing else. */
import { EventLoopWatch } from "../../posix/event-loop.ts";

/** How long a signal may wait for its handler, and the renewal of a lease for its turn. */
const intervalMilliseconds = 50;

export class BusyLoop {
  readonly #eventLoop = new EventLoopWatch();
  readonly #hasTimers: boolean;
  #nextMilliseconds = 0;

  /** @param options.hasTimers whether something goes on by timers, for which nobody can ask */
  constructor({ hasTimers }: { hasTimers: boolean }) {
    this.#hasTimers = hasTimers;
  }

  /** Looks now and then, after each request, whether the event loop is to have a turn. */
  lookWhetherDue(): boolean {
    // The clock is asked first, as that is no system call.
    const now = performance.now();
    if (now < this.#nextMilliseconds) return false;
    this.#nextMilliseconds = now + intervalMilliseconds;
    return this.#hasTimers || this.#eventLoop.isDue;
  }
}
