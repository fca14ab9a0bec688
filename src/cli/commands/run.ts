/** `run`: runs a command while the lock is held. */
import { defineCommand } from "citty";
import { parseLockName } from "../../lock/name.ts";
import type { HolderStatus } from "../../lock/status.ts";
import { ResourceLock } from "../../host/resource-lock.ts";
import {
  environmentWith,
  inheritedDescriptors,
  rawArguments,
  reap,
  spawnCommand,
  type ChildStatus,
} from "../../posix/child.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { cString, errorText, PosixError } from "../../posix/libc.ts";
import { sendSignal, signalNumbers } from "../../posix/process.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameListArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { awaitGrant, timedOut } from "../waiting/await-grant.ts";
import type { CallData } from "../arguments/command.ts";
import {
  parseAccess,
  parseExitCode,
  parseNames,
  parseSlots,
  parseTimeout,
  requireMessageFits,
} from "../arguments/values.ts";
import { exitCodes } from "../exit-code.ts";
import { diagnostics, lockLogger } from "../terminal/output.ts";
import { textsFor } from "../status/result-text.ts";
import { forcedText, heldAroundText, notStartedText } from "../status/run-text.ts";
import { Interrupted, SignalTrap, turn } from "../waiting/signals.ts";
import { UsageError } from "../arguments/words.ts";

/** So much of the command line is the info text when `-m` gives none. */
const longestDefaultMessage = 200;
/** The command's end is told by SIGCHLD; where the caller has that blocked, by looking this often. */
const lookMilliseconds = 1000;

const { json: _, ...runOptions } = commonOptions;

export default defineCommand({
  meta: {
    name: "run",
    group: "Hold a lock",
    description: "Run a command while holding a lock",
    byDefault: "it waits for the lock forever, or for the time of -t",
    examples: [
      ["run backup rsync -a ~/ /mnt/copy", 'wait for the lock "backup", then run rsync'],
      ["run -n sync ./sync.sh", "skip it if it still runs"],
      ["run -t 5m -E 0 sync ./sync.sh", "wait for 5 minutes, then give up quietly"],
      ["run disk -c 'sort a > b'", "run a shell command line"],
      ["run --slots 2 gpu ./render film", "at most two at a time"],
    ],
    operands: "[--] COMMAND [ARG...]",
    conflicts: [["exclusive", "shared", "slots"], ["nonblock", "get-timeout"], quietOrVerbose],
    notes: [
      "NAME may be several names with commas between: all of them are taken, or none, always in the same order.",
      "The exit status is the command's. Its environment has RESOURCELOCK_NAME, RESOURCELOCK_TOKEN (a number that rises with each grant) and, with --slots, RESOURCELOCK_SLOT (from 0).",
    ],
  },
  args: {
    name: nameListArgument,
    "get-timeout": { ...options["get-timeout"], default: "-1" },
    nonblock: options.nonblock,
    "conflict-exit-code": options["conflict-exit-code"],
    message: {
      ...options.message,
      description: `${options.message.description} (default: the command)`,
    },
    command: options.command,
    exclusive: options.exclusive,
    shared: options.shared,
    slots: options.slots,
    "no-adopt": options["no-adopt"],
    reentrant: options.reentrant,
    close: options.close,
    mode: options.mode,
    group: options.group,
    ...runOptions,
  },
  async run({ args, data }) {
    // Before anything is opened.
    const inherited = inheritedDescriptors();
    const output = outputOptions(args, data);
    const words = commandWords(args._.slice(1), args.command);
    const timeout = args.nonblock ? 0 : parseTimeout("--get-timeout", args["get-timeout"]);
    const slots = args.slots === undefined ? undefined : parseSlots("--slots", args.slots);
    const access = parseAccess(args.mode, args.group);
    const notGranted = parseExitCode("--conflict-exit-code", args["conflict-exit-code"]);
    const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
    const deadline = timeout === null ? null : monotonicSeconds() + timeout;
    const lockInfo =
      args.message ?? defaultMessage(args.command === undefined ? words : [args.command]);

    const wanted: ResourceLock[] = [];
    const joined: HolderStatus[] = [];
    const held: ResourceLock[] = [];
    try {
      // All of them before the first is waited for: somebody may hold that and wait for one that is held around this run.
      for (const name of inOneOrder(parseNames(args.name))) {
        requireMessageFits(name, args.message ?? "");
        const lock = new ResourceLock(name, { ...access, logger: lockLogger(output) });
        const around = holdAround(lock);
        if (around !== undefined) {
          const isEnough = covers(around, args.shared ?? false, slots);
          if (args.reentrant && isEnough) {
            joined.push(around);
            continue;
          }
          diagnostics().error(heldAroundText(lock.lockName, around, isEnough));
          return notGranted;
        }
        wanted.push(lock);
      }
      for (const lock of wanted) {
        const startSeconds = monotonicSeconds();
        const granted = await awaitGrant(lock, {
          timeout: deadline === null ? null : Math.max(0, deadline - monotonicSeconds()),
          lockInfo,
          shared: args.shared,
          slots,
          adopt: !args["no-adopt"],
          trap,
          quiet: output.quiet,
          seedOrder: output.seedOrder,
        });
        if (!granted) {
          if (!output.quiet) {
            const waited = timeout === 0 ? 0 : monotonicSeconds() - startSeconds;
            diagnostics().info(textsFor(output).refused(lock.lockName, timedOut(lock, waited)));
          }
          return notGranted;
        }
        held.push(lock);
      }
      const environment = environmentWith(variablesOf(held, joined, slots !== undefined));
      if (!args.close) for (const lock of held) lock.handOn(lowestDescriptor);
      const children = new ChildSignal();
      const processId = spawnCommand(rawWords(words, args.command, data), environment, inherited);
      const status = await ended(processId, trap, children);
      // Of two signals, that of the command's end may be seen first.
      await turn();
      return statusOf(status, trap);
    } catch (error) {
      return statusOfFailure(words[0] ?? "", error);
    } finally {
      for (const lock of held.toReversed()) {
        if (lock.ungetLock({ whereCalled: "run" }) || output.quiet) continue;
        diagnostics().warn(forcedText(lock.lockName));
      }
    }
  },
});

/** Where a command is least likely to look for a descriptor of its own: bash takes 10 and up, and 255. */
const lowestDescriptor = 64;

/** Each name once, in an order that all callers share, so that two of them never wait for each other. */
function inOneOrder(names: readonly string[]): string[] {
  return [...new Set(names.map(parseLockName))].toSorted((one, other) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
}

/** The variable in which a run tells the runs inside it what is held: `/NAME:TOKEN/NAME:TOKEN`. */
const heldVariable = "RESOURCELOCK_HELD";

/** The hold of a run around this one: it says so in the environment, and the ledger must agree. */
function holdAround(lock: ResourceLock): HolderStatus | undefined {
  const claims = (process.env[heldVariable] ?? "").split("/");
  const tokens = claims
    .filter((claim) => claim.slice(0, claim.lastIndexOf(":")) === lock.lockName)
    .map((claim) => claim.slice(claim.lastIndexOf(":") + 1))
    .filter((token) => /^\d+$/.test(token))
    .map(Number);
  if (tokens.length === 0) return undefined;
  return lock
    .status()
    .holders.find(
      ({ attachment, token }) => attachment === "attached" && tokens.includes(token ?? 0),
    );
}

/** Whether who runs under a hold has what it asks for: nobody else may hold the lock at the same time that it forbids. */
function covers(around: HolderStatus, shared: boolean, slots: number | undefined): boolean {
  if (around.kind === "exclusive") return true;
  if (around.kind === "shared") return shared;
  return slots !== undefined && (around.slots ?? Infinity) <= slots;
}

function variablesOf(
  held: readonly ResourceLock[],
  joined: readonly HolderStatus[],
  withSlots: boolean,
): Record<string, string | undefined> {
  const claims = held.map(({ lockName, token }) => `/${lockName}:${token}`);
  // Nothing is held where all of it is held around this run: its variables stay.
  if (held.length === 0) {
    // Under an exclusive hold it is alone.
    return withSlots ? { RESOURCELOCK_SLOT: joined.map(({ slot }) => slot ?? 0).join(",") } : {};
  }
  return {
    RESOURCELOCK_NAME: held.map(({ lockName }) => lockName).join(","),
    RESOURCELOCK_TOKEN: held.map(({ token }) => token).join(","),
    [heldVariable]: (process.env[heldVariable] ?? "") + claims.join(""),
    RESOURCELOCK_SLOT: withSlots ? held.map(({ slot }) => slot).join(",") : undefined,
  };
}

function commandWords(rest: readonly string[], commandLine: string | undefined): readonly string[] {
  if (commandLine !== undefined) {
    if (rest.length > 0) throw new UsageError("give a COMMAND or -c, not both");
    return [process.env["SHELL"] || "/bin/sh", "-c", commandLine];
  }
  if (rest.length === 0) {
    throw new UsageError("COMMAND is missing: resourcelock run NAME COMMAND [ARG...]");
  }
  return rest;
}

/** The words as bytes: if one is not UTF-8, as they came in. */
function rawWords(
  words: readonly string[],
  commandLine: string | undefined,
  data: CallData | undefined,
): Uint8Array[] {
  if (!words.some((word) => word.includes("\uFFFD"))) return words.map(cString);
  if (commandLine === undefined) return rawArguments().slice(-words.length);
  const at = data?.valueAt("command");
  // The first of the arguments is the program.
  const raw = at === undefined ? undefined : rawArguments()[at.word + 1]?.subarray(at.offset);
  return [...words.slice(0, -1).map(cString), raw ?? cString(commandLine)];
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
  const cause = notFound ? undefined : errorText(error.errno);
  diagnostics().error(notStartedText(commandName, cause));
  return notFound ? exitCodes.notFound : exitCodes.notExecutable;
}
