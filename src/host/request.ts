/** A request for a lock, from its first look until it is granted or withdrawn. */
import { monotonicSeconds } from "../posix/clock.ts";
import type { Look, Participant } from "./ledger/participant.ts";

/**
 * The wait of every kind of acquire: who drives it decides how time passes between two looks, in the
 * kernel ({@link block}) or on a timer of its own ({@link isDue}). Only time passes meanwhile: the place in the
 * queue stays.
 */
export class LockRequest {
  readonly participant: Participant;
  readonly #deadlineSeconds: number;
  #look: Look | undefined;
  #lookAgainSeconds = 0;

  /**
   * @param timeoutSeconds how long the request stands; null is for ever, 0 is for one look
   * @throws {RangeError} where the timeout is negative or not a number
   */
  constructor(participant: Participant, timeoutSeconds: number | null) {
    this.participant = participant;
    this.#deadlineSeconds =
      timeoutSeconds === null
        ? Infinity
        : timeoutSeconds === 0
          ? 0
          : monotonicSeconds() + timeoutSeconds;
  }

  /** Seconds until the request lapses; 0 once it has. */
  get remainingSeconds(): number {
    if (this.#deadlineSeconds === Infinity) return Infinity;
    if (this.#deadlineSeconds === 0) return 0;
    return Math.max(0, this.#deadlineSeconds - monotonicSeconds());
  }

  /** Takes the lock if it can be had now. */
  poll(): boolean {
    if (!this.participant.isStill()) this.#look = this.participant.look();
    if (this.#look === undefined || this.#look === "granted") return true;
    this.#lookAgainSeconds = monotonicSeconds() + this.#look.againSeconds;
    return false;
  }

  /** Seconds after which to {@link poll} again, come what may. */
  get againSeconds(): number {
    return Math.max(
      0,
      Math.min(this.#lookAgainSeconds - monotonicSeconds(), this.remainingSeconds),
    );
  }

  /** Blocks the thread until it is worth to {@link poll} again; see {@link Participant.block} for the timer. */
  block(): void {
    if (this.#look === undefined || this.#look === "granted") return;
    this.participant.block(this.#look, this.againSeconds);
  }

  /** Whether {@link block} ends by itself when it is time to {@link poll} again. */
  get hasOwnLimit(): boolean {
    if (this.#look === undefined || this.#look === "granted") return true;
    return this.#look.for === "semaphore" || this.#look.for === "time";
  }

  /** Blocks the thread for `seconds` at most, or until it is worth to {@link poll} again; no timer is needed. */
  nap(seconds: number): void {
    if (this.#look === undefined || this.#look === "granted") return;
    this.participant.nap(this.#look, Math.min(seconds, this.againSeconds));
  }

  /** Whether it is worth to {@link poll} again now. */
  get isDue(): boolean {
    if (this.#look === undefined || this.#look === "granted") return true;
    return this.againSeconds === 0 || this.participant.isDue(this.#look);
  }
}

/** Checks a timeout. @throws {RangeError} where it is negative or not a number */
export function requireTimeout(timeoutSeconds: number | null): void {
  if (timeoutSeconds !== null && !(timeoutSeconds >= 0)) {
    throw new RangeError(`Cannot wait for ${timeoutSeconds} seconds: give null to wait forever`);
  }
}
