/** `run`: runs a command while the lock is held. */
import { ResourceLock } from "../lock/resource-lock.ts";
import {
  environmentWith,
  inheritedDescriptors,
  rawArguments,
  reap,
  spawnCommand,
  type ChildStatus,
} from "../posix/child.ts";
import { cString, errorText, PosixError } from "../posix/libc.ts";
import { sendSignal, signalNumbers } from "../posix/process.ts";
import { commonOptions, nameArgument, options, outputOptions } from "./arguments.ts";
import { awaitGrant } from "./await-grant.ts";
import { command } from "./command.ts";
import { conflictExitCode } from "./conflict.ts";
import { parseTimeout } from "./duration.ts";
import { exitCodes } from "./exit-code.ts";
import { messages } from "../lock/messages.ts";
import { requireMessageFits } from "./message.ts";
import { diagnostics, lockLogger } from "./output.ts";
import { Interrupted, SignalTrap, turn } from "./signals.ts";
import { UsageError } from "./usage-error.ts";

/** So much of the command line is the info text when `-m` gives none. */
const longestDefaultMessage = 200;
/** The command's end is told by SIGCHLD; where the caller has that blocked, by looking this often. */
const lookMilliseconds = 1000;

const { json: _, ...runOptions } = commonOptions;

export default command({
  name: "run",
  description: "Run a command while holding a lock",
  operands: "-- COMMAND [ARG...]",
  args: {
    name: nameArgument,
    "get-timeout": { ...options["get-timeout"], default: "-1" },
    nonblock: options.nonblock,
    "conflict-exit-code": options["conflict-exit-code"],
    message: {
      ...options.message,
      description: `${options.message.description} (default: the command)`,
    },
    command: options.command,
    ...runOptions,
  },
  notes: [
    "The exit status is the command's. The command has RESOURCELOCK_NAME in its environment.",
  ],
  async run({ args, rest }) {
    // Before anything is opened.
    const inherited = inheritedDescriptors();
    const output = outputOptions(args);
    const words = commandWords(rest, args.command);
    const timeout = args.nonblock ? 0 : parseTimeout("--get-timeout", args["get-timeout"]);
    const notGranted = conflictExitCode(args["conflict-exit-code"]);
    const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
    requireMessageFits(args.name, args.message ?? "");
    const lock = new ResourceLock(args.name, { logger: lockLogger(output) });
    const lockInfo =
      args.message ?? defaultMessage(args.command === undefined ? words : [args.command]);

    if (!(await awaitGrant(lock, { timeout, lockInfo, trap, quiet: output.quiet }))) {
      if (!output.quiet) diagnostics().info(messages.timedOut(lock.lockName, lock.getLockInfo()));
      return notGranted;
    }
    try {
      const environment = environmentWith("RESOURCELOCK_NAME", lock.lockName);
      const children = new ChildSignal();
      const processId = spawnCommand(rawWords(words, args.command), environment, inherited);
      const status = await ended(processId, trap, children);
      // Of two signals, that of the command's end may be seen first.
      await turn();
      return statusOf(status, trap);
    } catch (error) {
      return statusOfFailure(words[0] ?? "", error);
    } finally {
      lock.ungetLock({ whereCalled: "run" });
    }
  },
});

function commandWords(
  rest: readonly string[] | undefined,
  commandLine: string | undefined,
): readonly string[] {
  if (commandLine !== undefined) {
    if (rest !== undefined) throw new UsageError("give a COMMAND behind --, or -c, not both");
    return [process.env["SHELL"] || "/bin/sh", "-c", commandLine];
  }
  if (rest === undefined || rest.length === 0) {
    throw new UsageError("COMMAND is missing: resourcelock run NAME -- COMMAND [ARG...]");
  }
  return rest;
}

/** The words as bytes: where one is not UTF-8, as they came in. */
function rawWords(words: readonly string[], commandLine: string | undefined): Uint8Array[] {
  if (!words.some((word) => word.includes("\uFFFD"))) return words.map(cString);
  if (commandLine === undefined) return rawArguments().slice(-words.length);
  // In the words of this program it may have its option in front: -cSTRING, --command=STRING.
  const index = process.argv.findIndex((word) => word.endsWith(commandLine));
  const option = (process.argv[index] ?? "").slice(0, -commandLine.length);
  // process.argv has one word more at its beginning.
  const raw = rawArguments()[index - 1]?.subarray(option.length) ?? cString(commandLine);
  return [...words.slice(0, -1).map(cString), raw];
}

function defaultMessage(words: readonly string[]): string {
  const line = words.join(" ");
  return line.length > longestDefaultMessage
    ? `${line.slice(0, longestDefaultMessage)}…`.toWellFormed()
    : line;
}

/**
 * The signal that a command has ended. Caught from before the command is started: while the caller's ignoring of
 * it lasts, the kernel throws the status away.
 */
class ChildSignal {
  listener: () => void = () => {};

  constructor() {
    process.on("SIGCHLD", () => this.listener());
  }
}

/** Waits for the command's end, and passes signals on to it meanwhile. */
function ended(processId: number, trap: SignalTrap, children: ChildSignal): Promise<ChildStatus> {
  return new Promise((resolve, reject) => {
    const look = () => {
      try {
        const status = reap(processId);
        if (status === undefined) return;
        clearInterval(timer);
        resolve(status);
      } catch (error) {
        clearInterval(timer);
        reject(error);
      }
    };
    const timer = setInterval(look, lookMilliseconds);
    children.listener = look;
    trap.onSignal((signal) => {
      // On a terminal ^C has reached the command already, as it has the whole foreground job.
      if (signal !== "SIGINT") sendSignal(processId, signal);
    });
    if (trap.received !== undefined && trap.received !== "SIGINT") {
      sendSignal(processId, trap.received);
    }
    look();
  });
}

function statusOf(status: ChildStatus, trap: SignalTrap): number {
  if ("exitCode" in status) return status.exitCode;
  // A shell that runs us in a loop leaves the loop only if it sees that ^C ended us.
  if (status.signal === signalNumbers.SIGINT && trap.has("SIGINT")) throw new Interrupted("SIGINT");
  return exitCodes.killedBySignal + status.signal;
}

function statusOfFailure(commandName: string, error: unknown): number {
  if (!(error instanceof PosixError) || error.call !== "posix_spawnp") throw error;
  const notFound = error.code === "ENOENT";
  const cause = notFound ? "it was not found" : errorText(error.errno);
  diagnostics().error(`Cannot run ${JSON.stringify(commandName)}: ${cause}`);
  return notFound ? exitCodes.notFound : exitCodes.notExecutable;
}
