/** Ending waits in the kernel: setitimer(2), sigprocmask(2) and siginterrupt(3). */
import type { Pointer } from "bun:ffi";
import { monotonicSeconds } from "./clock.ts";
import { check, checkReturned, openLibc, whenNeeded } from "./libc.ts";
import { ignoreSignal, isIgnored, signalNumbers } from "./process.ts";
import { signalSet } from "./signal-set.ts";

const libc = openLibc({ siginterrupt: { args: ["i32", "i32"], returns: "i32" } });
const alarms = whenNeeded({
  abs: { args: ["i32"], returns: "i32" },
  setitimer: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
  pthread_sigmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
});

const ITIMER_REAL = 0;
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
/** A timer of zero is none, so this is the soonest that one can end. */
const shortestSeconds = 1e-6;

/** An alarm has come due that this program was started with: without a wait it would have died of it. */
export class CallersAlarm extends Error {
  override readonly name = "CallersAlarm";
}

/**
 * SIGALRM as the end of waits in the kernel, for a program that owns its process. What the caller of the program left
 * behind counts too: a blocked SIGALRM is unblocked meanwhile, and an alarm of the caller's own (`alarm 10; exec ...`)
 * stays set.
 */
export class WaitAlarm implements Disposable {
  readonly #callersMask = signalSet();
  readonly #callersTimer: { dueSeconds: number; intervalSeconds: number } | undefined;
  readonly #wasIgnored = isIgnored("SIGALRM");
  /** struct itimerval: interval and first time, each in seconds and microseconds, of two words each. */
  readonly #timer = new Uint32Array(8);

  constructor() {
    this.#callersTimer = this.#takeTimer();
    // The handler is libc's abs, a function of an int that does nothing: one of Bun's would have the event loop run,
    // with its garbage collection, each time. Bun has the address, but not in its types.
    const { ptr } = alarms().abs as unknown as { ptr: Pointer };
    alarms().signal(signalNumbers.SIGALRM, ptr);
    interruptWaits(signalNumbers.SIGALRM);
    this.#setMask(SIG_UNBLOCK, signalSet(signalNumbers.SIGALRM), this.#callersMask);
  }

  /**
   * Sends SIGALRM to this process after so many seconds and every second from then on, as one alone could come
   * just before the wait that it is to end. 0 ends that. The caller's own alarm comes in any case.
   */
  set(seconds: number): void {
    // An ignored one ends nothing.
    const due = this.#wasIgnored ? undefined : this.#callersTimer?.dueSeconds;
    const callers =
      due === undefined ? Infinity : Math.max(shortestSeconds, due - monotonicSeconds());
    const first = Math.min(seconds === 0 ? Infinity : seconds, callers);
    this.#setTimer(first === Infinity ? 0 : first, 1);
  }

  /** Whether the alarm has come due that the program was started with, of which it would have died by now. */
  hasCallersCome(): boolean {
    if (this.#callersTimer === undefined || this.#wasIgnored) return false;
    return monotonicSeconds() >= this.#callersTimer.dueSeconds;
  }

  /** Puts everything back as the caller left it. */
  [Symbol.dispose](): void {
    this.#setTimer(0, 0);
    if (this.#wasIgnored) ignoreSignal("SIGALRM");
    else alarms().signal(signalNumbers.SIGALRM, null);
    this.#setMask(SIG_SETMASK, this.#callersMask, null);
    if (this.#callersTimer === undefined) return;
    const { dueSeconds, intervalSeconds } = this.#callersTimer;
    this.#setTimer(Math.max(shortestSeconds, dueSeconds - monotonicSeconds()), intervalSeconds);
  }

  #takeTimer(): { dueSeconds: number; intervalSeconds: number } | undefined {
    const previous = new Uint32Array(8);
    check("setitimer", alarms().setitimer(ITIMER_REAL, this.#timer, previous));
    const at = (word: number) => (previous[word] ?? 0) + (previous[word + 2] ?? 0) / 1e6;
    const remaining = at(4);
    if (remaining === 0) return undefined;
    return { dueSeconds: monotonicSeconds() + remaining, intervalSeconds: at(0) };
  }

  #setTimer(firstSeconds: number, intervalSeconds: number): void {
    const write = (word: number, seconds: number) => {
      // In whole microseconds first: of 0.9999999 s alone it would be a million, which is EINVAL.
      const microseconds = Math.ceil(seconds * 1e6);
      this.#timer[word] = Math.floor(microseconds / 1e6);
      this.#timer[word + 2] = microseconds % 1e6;
    };
    write(0, firstSeconds === 0 ? 0 : intervalSeconds);
    write(4, firstSeconds);
    check("setitimer", alarms().setitimer(ITIMER_REAL, this.#timer, null));
  }

  #setMask(how: number, signals: Uint32Array, previous: Uint32Array | null): void {
    checkReturned("pthread_sigmask", alarms().pthread_sigmask(how, signals, previous));
  }
}

/** Makes a signal that has a handler end calls that wait; Bun has the kernel start them again. */
export function interruptWaits(signalNumber: number): void {
  check("siginterrupt", libc.siginterrupt(signalNumber, 1));
}
