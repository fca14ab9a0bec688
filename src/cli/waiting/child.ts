/** A command that runs: it gets the signals that are meant for it, and its end is waited for. */
import { type ChildStatus, type PreparedCommand, reap } from "../../posix/child.ts";
import { bootSeconds } from "../../posix/clock.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { isTerminal } from "../../posix/file.ts";
import { foregroundGroup, processGroup } from "../../posix/job.ts";
import { isPosixError } from "../../posix/libc.ts";
import { sendSignal, type SignalName } from "../../posix/process.ts";
import { isBlocked } from "../../posix/signal-set.ts";
import { warnMeanwhile } from "../terminal/output.ts";
import { type SignalTrap, turn } from "./signals.ts";

/** The command's end is told by SIGCHLD; where the caller has that blocked, by looking this often. */
const lookMilliseconds = 1000;
/** How often it is looked whether a command that is to stop has to be killed. */
const stopLookMilliseconds = 100;
/** What a terminal sends to all of the job in its foreground. */
const terminalSignals: ReadonlySet<SignalName> = new Set([
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGTSTP",
]);

const userSignals: readonly SignalName[] = ["SIGUSR1", "SIGUSR2"];

export class RunningCommand {
  readonly #processId: number;
  readonly #trap: SignalTrap;
  /** Whether a signal that is seen now may have come before the command was there. */
  #isNew = true;
  #status: ChildStatus | undefined;
  #onEnd: ((status: ChildStatus) => void) | undefined;
  #onError: ((error: unknown) => void) | undefined;
  #timer: Timer | undefined;
  #killTimer: Timer | undefined;

  /** Starts a command. @param variables that it gets */
  constructor(
    trap: SignalTrap,
    command: PreparedCommand,
    variables: Parameters<PreparedCommand["start"]>[0],
  ) {
    this.#trap = trap;
    const isOnTerminal = [0, 1, 2].some(isTerminal);
    // Caught from before the start: while the caller's ignoring of it lasts, the kernel throws the status away.
    process.on("SIGCHLD", () => this.#look());
    // On a terminal ^Z stops both, as it does without traps.
    trap.trapAlso(isOnTerminal ? userSignals : [...userSignals, "SIGTSTP"]);
    faultPoint("before-spawn");
    this.#processId = command.start(variables);
    trap.onSignal((signal) => this.#pass(signal));
    if (trap.eventLoop?.isDue === false) this.#isNew = false;
    else setImmediate(() => (this.#isNew = false));
  }

  /**
   * Waits for the command's end, and for the handlers of signals that may have come with it.
   *
   * @param options.runsEventLoop whether something must go on meanwhile, such as a look at a lock that may be lost
   */
  async ended({ runsEventLoop }: { runsEventLoop: boolean }): Promise<ChildStatus> {
    const { eventLoop } = this.#trap;
    if (runsEventLoop || eventLoop?.canBlock !== true) return await this.#endedInEventLoop();
    this.#status ??= reap(this.#processId);
    while (this.#status === undefined) {
      eventLoop.block(lookMilliseconds, this.#trap.blockedSignals());
      // Before a turn of the event loop, which may collect garbage while the next one waits for the lock.
      this.#status = reap(this.#processId);
      if (this.#status === undefined) await this.#trap.turn();
    }
    // What ended the command may have been sent to this process as well.
    if ("signal" in this.#status) await this.#trap.turn();
    return this.#status;
  }

  async #endedInEventLoop(): Promise<ChildStatus> {
    try {
      const status = await new Promise<ChildStatus>((resolve, reject) => {
        this.#onEnd = resolve;
        this.#onError = reject;
        this.#timer = setInterval(() => this.#look(), lookMilliseconds);
        this.#look();
      });
      await turn();
      return status;
    } finally {
      clearInterval(this.#timer);
      clearTimeout(this.#killTimer);
    }
  }

  /**
   * Ends the command: by TERM, and by KILL when that takes too long.
   *
   * @param killAfterSeconds how long it may take to end by TERM
   * @param killBySeconds tells when it must have ended in any case, on CLOCK_BOOTTIME; that may be known later only
   */
  stop(killAfterSeconds: number, killBySeconds: () => number = () => Infinity): void {
    if (this.#killTimer !== undefined) return;
    this.#send("SIGTERM");
    this.#send("SIGCONT");
    const killAt = bootSeconds() + killAfterSeconds;
    const look = () => {
      const left = Math.min(killAt, killBySeconds()) - bootSeconds();
      if (left <= 0) this.#send("SIGKILL");
      // A timer stands still while the machine is suspended.
      else this.#killTimer = setTimeout(look, Math.min(left * 1000, stopLookMilliseconds));
    };
    look();
  }

  #look(): void {
    if (this.#status !== undefined) return;
    try {
      this.#status = reap(this.#processId);
    } catch (error) {
      this.#onError?.(error);
      return;
    }
    // From now on its number may be another process's.
    if (this.#status !== undefined) this.#onEnd?.(this.#status);
  }

  #pass(signal: SignalName): void {
    // The event loop takes what the caller has blocked, too. It could stop nobody here, and would come again at each
    // turn; the command has it blocked as well, as it does without run.
    if (signal === "SIGTSTP" && isBlocked(signal)) return;
    const isReached = !this.#isNew && terminalSignals.has(signal) && this.#isReached();
    if (!isReached) this.#send(signal);
    if (signal !== "SIGTSTP") return;
    this.#trap.stopProcess();
    if (!isReached) this.#send("SIGCONT");
  }

  /**
   * Whether the terminal has sent the signal to the command as well: it is in the foreground job. A terminal that hung up
   * is not there any more, and has told the leader of its session alone, which may be this process or a run around it.
   * Where that is a shell which tells all its jobs, the command hears of it twice, as it does without run.
   */
  #isReached(): boolean {
    const foreground = foregroundGroup();
    return foreground !== undefined && foreground === processGroup(this.#processId);
  }

  #send(signal: SignalName): void {
    if (this.#status !== undefined) return;
    try {
      sendSignal(this.#processId, signal);
    } catch (error) {
      // It has just ended.
      if (isPosixError(error, "ESRCH")) return;
      if (!isPosixError(error, "EPERM")) throw error;
      warnMeanwhile(`cannot pass ${signal} on to pid ${this.#processId}: it runs as another user`);
    }
  }
}
