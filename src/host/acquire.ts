/**
 * The wait for a lock: one loop for every kind of acquire. A strategy says how time passes between two attempts, a
 * driver whether the event loop runs meanwhile. The place in the queue stays in any case.
 */
import { abortablePause } from "../lock/abortable-pause.ts";
import { monotonicSeconds } from "../posix/clock.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Wish } from "./ledger/own-seat.ts";
import type { Blocked, Outcome } from "./ledger/apply.ts";
import type { Participant } from "./ledger/participant.ts";
import type { Refusal } from "../lock/engine.ts";

/** How a thread waits. */
export interface WaitStrategy {
  /** What the ledger has to know of it. */
  readonly abilities: Wish["wait"];
  /**
   * Lets time pass until another attempt may be worth it.
   *
   * @yields for how many milliseconds the event loop may run; 0 is one turn of it
   */
  untilDue(attempt: Attempt): Generator<number, void>;
  /** Ends the wait: called once, after the last {@link untilDue}. */
  end(): void;
}

export interface AttemptOptions {
  /** How long the request stands: 0 is for one attempt, Infinity forever. */
  readonly timeoutSeconds: number;
  /** Withdraws the request: the wait throws the signal's reason. */
  readonly signal?: Pick<AbortSignal, "aborted" | "throwIfAborted"> | undefined;
  /** Called after each attempt that was not granted, about once a second. */
  readonly onWait?: ((waitedSeconds: number) => void) | undefined;
  /**
   * Looks whether the wait will never end, first after a second.
   *
   * @returns in how many seconds to look again; undefined to give it up
   */
  readonly lookForDeadlock?: (() => Promise<number | undefined>) | undefined;
  /** Takes the ledger of a request that was withdrawn, to use or close it. */
  readonly returnLedger: (ledger: Ledger) => void;
}

/** How long a request waits before it looks for a deadlock. */
const firstLookSeconds = 1;
/** A step of a wait that is no pause: {@link Attempt.look}. */
const lookNow = -1;

/** A request, from its first attempt until it is granted or withdrawn. */
export class Attempt {
  readonly participant: Participant;
  readonly #options: AttemptOptions;
  readonly #startSeconds = monotonicSeconds();
  #outcome: Outcome | undefined;
  #retryAtSeconds = 0;
  #isOver = false;
  #cancelReason: Error | undefined;
  #refusal: Refusal["reason"] | undefined;
  #lookAtSeconds = this.#startSeconds + firstLookSeconds;

  constructor(participant: Participant, options: AttemptOptions) {
    this.participant = participant;
    this.#options = options;
  }

  /** Takes the lock if it can be had now. */
  tryAdvance(): boolean {
    const outcome = this.participant.tryAdvance();
    this.#outcome = outcome;
    if (outcome === "granted") {
      this.#isOver = true;
      return true;
    }
    if (typeof outcome === "string") {
      this.#refusal = outcome;
      return false;
    }
    this.#retryAtSeconds = monotonicSeconds() + outcome.retryAfterSeconds;
    return false;
  }

  /** What the last attempt was blocked on. */
  get blocked(): Blocked | undefined {
    return typeof this.#outcome === "string" ? undefined : this.#outcome;
  }

  get isGranted(): boolean {
    return this.#outcome === "granted";
  }

  /** Why the request is refused though it has time left; undefined where it is not. */
  get refusal(): Refusal["reason"] | undefined {
    return this.#refusal;
  }

  /** Whether it is time to look for a deadlock. */
  isLookDue(): boolean {
    return this.#options.lookForDeadlock !== undefined && monotonicSeconds() >= this.#lookAtSeconds;
  }

  /** Looks for a deadlock, and leaves the queue if it is this request's to end it. */
  async look(): Promise<void> {
    const startSeconds = monotonicSeconds();
    const seconds = await this.#options.lookForDeadlock?.();
    if (seconds !== undefined) {
      this.#lookAtSeconds = startSeconds + seconds;
      return;
    }
    this.#refusal = "deadlock";
    this.withdraw("deadlocked");
  }

  /** Reads the clock: the seconds until the request lapses, 0 once it has. */
  secondsLeft(): number {
    const { timeoutSeconds } = this.#options;
    if (timeoutSeconds === Infinity || timeoutSeconds === 0) return timeoutSeconds;
    return Math.max(0, this.#startSeconds + timeoutSeconds - monotonicSeconds());
  }

  /** Reads the clock: the seconds after which to try again, come what may. */
  secondsToRetry(): number {
    const seconds = Math.min(this.#retryAtSeconds - monotonicSeconds(), this.secondsLeft());
    return Math.max(0, seconds);
  }

  /** Asks, without blocking, whether another attempt may be worth it now. */
  isDue(): boolean {
    const { blocked } = this;
    const isAborted = this.#cancelReason !== undefined || this.#options.signal?.aborted === true;
    if (blocked === undefined || isAborted) return true;
    return this.secondsToRetry() === 0 || this.participant.mayAdvance(blocked);
  }

  /** @throws the reason of {@link cancel} or of the signal */
  throwIfAborted(): void {
    if (this.#cancelReason !== undefined) throw this.#cancelReason;
    this.#options.signal?.throwIfAborted();
  }

  /** Withdraws the request at once; a wait that goes on throws `reason`. */
  cancel(reason: Error): void {
    this.#cancelReason = reason;
    withdrawQuietly(this);
  }

  /** Tells the caller that it still waits. */
  notify(): void {
    this.#options.onWait?.(monotonicSeconds() - this.#startSeconds);
  }

  /** Leaves the queue, unless the request was granted or withdrawn. @param reason why, where it is not for its time */
  withdraw(reason?: "deadlocked"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { participant } = this;
    try {
      participant.withdraw(reason);
    } catch (error) {
      // Closing the descriptor drops its byte locks.
      participant.ledger.close();
      throw error;
    }
    this.#options.returnLedger(participant.ledger);
  }
}

/**
 * Waits for a lock.
 *
 * @yields for how many milliseconds the event loop may run; 0 is one turn of it, {@link lookNow} a look
 * @returns whether it was granted in time; otherwise the request is withdrawn
 * @throws the reason of the signal
 */
function* acquireSteps(attempt: Attempt, wait: WaitStrategy): Generator<number, boolean> {
  try {
    while (!attempt.tryAdvance()) {
      if (attempt.secondsLeft() === 0 || attempt.refusal !== undefined) return false;
      attempt.notify();
      if (attempt.isLookDue()) yield lookNow;
      if (attempt.refusal !== undefined) return false;
      yield* wait.untilDue(attempt);
      attempt.throwIfAborted();
    }
    return true;
  } catch (error) {
    withdrawQuietly(attempt);
    throw error;
  } finally {
    wait.end();
    attempt.withdraw();
  }
}

/** Withdraws after an error, which another error must not hide. */
function withdrawQuietly(attempt: Attempt): void {
  try {
    attempt.withdraw();
  } catch {
    // The first error says what is wrong.
  }
}

/** Waits without the event loop. */
export function acquireBlocking(attempt: Attempt, wait: WaitStrategy): boolean {
  const steps = acquireSteps(attempt, wait);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Waits and lets the event loop run where the strategy allows it. */
export async function acquireAsync(
  attempt: Attempt,
  wait: WaitStrategy,
  signal?: AbortSignal,
): Promise<boolean> {
  const steps = acquireSteps(attempt, wait);
  let step = steps.next();
  while (step.done !== true) {
    if (step.value === lookNow) await attempt.look();
    else await (step.value === 0 ? eventLoopTurn() : abortablePause(step.value, signal));
    step = steps.next();
  }
  return step.value;
}

/** Lets the event loop run what is due. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** acquire() polls: first after 1 ms, then 1.5 times later each time, up to 10 ms. */
const firstPollMilliseconds = 1;
const maxPollMilliseconds = 10;

function nextPoll(milliseconds: number): number {
  return Math.min(milliseconds * 1.5, maxPollMilliseconds);
}

/**
 * Blocks the thread, for the library, which leaves the signals of its program alone and so has no timer to end a
 * wait by: a futex has a limit of its own, but a death does not wake it, so that it also polls.
 */
export const futexWait: WaitStrategy = {
  abilities: { usesFutex: true, blocksAtSemaphore: true },
  // oxlint-disable-next-line require-yield -- it never lets the event loop run
  *untilDue(attempt) {
    let milliseconds = firstPollMilliseconds;
    const { blocked } = attempt;
    if (blocked === undefined) return;
    while (!attempt.isDue()) {
      const seconds = Math.min(milliseconds / 1000, attempt.secondsToRetry());
      if (blocked.on === "holder") attempt.participant.blockOnFutex(blocked.seat, seconds);
      else if (blocked.on === "semaphore") {
        attempt.participant.blockInKernel(blocked, attempt.secondsToRetry());
      } else Bun.sleepSync(seconds * 1000);
      milliseconds = nextPoll(milliseconds);
    }
  },
  end() {},
};

/** Lets the event loop run, and polls. */
export const timerWait: WaitStrategy = {
  abilities: { usesFutex: false, blocksAtSemaphore: false },
  *untilDue(attempt) {
    let milliseconds = firstPollMilliseconds;
    do {
      yield Math.max(0.001, Math.min(milliseconds, attempt.secondsToRetry() * 1000));
      milliseconds = nextPoll(milliseconds);
    } while (!attempt.isDue());
  },
  end() {},
};
