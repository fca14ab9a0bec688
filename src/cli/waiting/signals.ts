/** Signals, on the command line, which owns its process. */
import { isTerminal } from "../../posix/file.ts";
import { interruptWaits } from "../../posix/alarm.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { EventLoopWatch } from "../../posix/event-loop.ts";
import { blockedSignalsBut } from "../../posix/signal-set.ts";
import {
  isIgnored,
  resetSignal,
  restoreIgnoredSignals,
  sendSignal,
  type SignalName,
  signalNumbers,
} from "../../posix/process.ts";

/** What ends a command that holds a lock or waits, after it has let go. */
export const terminationSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;

/** The process is to end by the signal that it got; nothing was left taken. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: SignalName;

  constructor(signal: SignalName) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/**
 * Takes signals instead of dying of them. Those that were ignored at the start stay ignored (nohup).
 *
 * Handlers run in a turn of the event loop: after a blocking call, await {@link turn} before looking.
 */
export class SignalTrap {
  /** Tells whether a turn is worth it. */
  readonly eventLoop: EventLoopWatch | undefined;
  readonly #received = new Set<SignalName>();
  readonly #trapped: SignalName[] = [];
  readonly #abort = new AbortController();
  #listener: ((signal: SignalName) => void) | undefined;
  #blocked: Uint32Array | undefined;

  constructor(signals: readonly SignalName[], eventLoop?: EventLoopWatch) {
    this.eventLoop = eventLoop;
    // Bun has put handlers on some of them, but only where a standard stream is a terminal.
    if ([0, 1, 2].some(isTerminal)) restoreIgnoredSignals();
    this.#trap(signals, (name) => {
      this.#received.add(name);
      this.#abort.abort(new Interrupted(name));
    });
  }

  /** Takes more signals, which end nothing: only {@link onSignal}'s listener gets them. */
  trapAlso(signals: readonly SignalName[]): void {
    this.#trap(signals, () => {});
    this.#blocked = undefined;
  }

  /** Lets the signals end this process again, as they do by default. Those that came before are still seen. */
  release(): void {
    for (const name of this.#trapped) resetSignal(name);
  }

  /** Stops this process as TSTP does when it is not taken; returns when it is continued. */
  stopProcess(): void {
    const listeners = process.listeners("SIGTSTP");
    process.removeAllListeners("SIGTSTP");
    sendSignal(process.pid, "SIGTSTP");
    for (const listener of listeners) process.on("SIGTSTP", listener);
  }

  #trap(signals: readonly SignalName[], act: (name: SignalName) => void): void {
    for (const name of signals) {
      if (isIgnored(name)) continue;
      this.#trapped.push(name);
      process.on(name, () => {
        act(name);
        this.#listener?.(name);
      });
      interruptWaits(signalNumbers[name]);
    }
  }

  /** Aborted by the first signal, with {@link Interrupted} as its reason. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The first signal that came in. */
  get received(): SignalName | undefined {
    return this.#received.values().next().value;
  }

  /**
   * The signals that the caller of this program has blocked, but for those that are taken here, which come as in the event
   * loop, and SIGCHLD. A TSTP that is blocked stays so: it could stop nobody, and would come again and again.
   */
  blockedSignals(): Uint32Array {
    const taken = this.#trapped.filter((name) => name !== "SIGTSTP");
    return (this.#blocked ??= blockedSignalsBut([...taken, "SIGCHLD"]));
  }

  /** Lets the handlers of signals that came in run. */
  async turn(): Promise<void> {
    if (this.eventLoop?.isDue !== false) await turn();
  }

  /** Whether a signal came in. */
  has(name: SignalName): boolean {
    return this.#received.has(name);
  }

  /** Calls `listener` for each signal from now on. */
  onSignal(listener: (signal: SignalName) => void): void {
    this.#listener = listener;
  }

  /**
   * Waits for a time, or until a signal comes in.
   *
   * @param options.runsEventLoop whether something must go on meanwhile
   */
  async sleep(seconds: number, { runsEventLoop = false } = {}): Promise<void> {
    const eventLoop = this.eventLoop ?? new EventLoopWatch();
    if (runsEventLoop || !eventLoop.canBlock) return await this.#sleepInEventLoop(seconds);
    const endSeconds = monotonicSeconds() + seconds;
    while (this.#received.size === 0) {
      const milliseconds = Math.ceil((endSeconds - monotonicSeconds()) * 1000);
      if (milliseconds <= 0) return;
      eventLoop.block(milliseconds, this.blockedSignals());
      if (eventLoop.isDue) await turn();
    }
  }

  async #sleepInEventLoop(seconds: number): Promise<void> {
    if (this.#received.size > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.onSignal(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Lets the event loop run what is due, signal handlers above all. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
