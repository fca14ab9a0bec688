/** What a command line of `run` asks for. */
import type { RequestedKind } from "../../lock/kinds.ts";
import { inCommonOrder } from "../../lock/acquire-all.ts";
import { rawArguments } from "../../posix/child.ts";
import { cString } from "../../posix/libc.ts";
import type { CallData } from "./command.ts";
import {
  parseDuration,
  parseExitCode,
  parseKind,
  parseNames,
  parseOneOf,
  parseQueueing,
  parseTimeout,
} from "./values.ts";
import { UsageError } from "./words.ts";

/** How many characters of the command line become the info text if there is no `-m`. */
const maxDefaultMessage = 200;

/** A command, and the locks that it is to run under. */
export interface Job {
  /** Each lock once, in the order in which they are taken. */
  readonly names: readonly string[];
  readonly kind: RequestedKind;
  readonly timeoutSeconds: number;
  readonly message: string;
  /** Whether nobody gave the message, so that it may be cut. */
  readonly isDefaultMessage: boolean;
  readonly adopt: boolean;
  readonly newest: boolean | undefined;
  readonly replace: boolean | undefined;
  readonly maxWaiters: number | undefined;
  /** How long a command that is stopped has to end. */
  readonly killAfterSeconds: number;
  /** Whether a hold around this run is enough. */
  readonly reentrant: boolean;
  /** Whether the command is to have no part in the hold. */
  readonly close: boolean;
  /** Whether the command takes the place of this process. */
  readonly noFork: boolean;
  readonly onLost: "fail" | "kill" | "ignore";
  /** The exit status when the locks are not granted. */
  readonly notGranted: number;
  /** The command, as a message names it. */
  readonly commandName: string;
  /** The command and its arguments, each ended by NUL. */
  readonly rawWords: readonly Uint8Array[];
}

interface RunArguments {
  _: string[];
  name: string;
  "get-timeout": string;
  nonblock?: boolean | undefined;
  "conflict-exit-code": string;
  message?: string | undefined;
  command?: string | undefined;
  shared?: boolean | undefined;
  slots?: string | undefined;
  "no-adopt"?: boolean | undefined;
  reentrant?: boolean | undefined;
  close?: boolean | undefined;
  "no-fork"?: boolean | undefined;
  "on-lost": string;
  newest?: boolean | undefined;
  replace?: boolean | undefined;
  "max-waiters"?: string | undefined;
  "kill-after": string;
}

/** @throws {UsageError} */
export function jobOf(args: RunArguments, data: CallData | undefined): Job {
  // Before the command is missed: in `run disk -t sync` it stands where the time should.
  const timeout = args.nonblock === true ? 0 : parseTimeout("--get-timeout", args["get-timeout"]);
  const words = commandWords(args._.slice(1), args.command);
  const shown = args.command === undefined ? words : [args.command];
  return {
    names: inCommonOrder(parseNames(args.name)),
    kind: parseKind(args.shared, args.slots),
    timeoutSeconds: timeout ?? Infinity,
    message: args.message ?? defaultMessage(shown),
    isDefaultMessage: args.message === undefined,
    adopt: args["no-adopt"] !== true,
    ...parseQueueing(args, timeout),
    replace: replaceOf(args, timeout),
    killAfterSeconds: parseDuration("--kill-after", args["kill-after"]),
    reentrant: args.reentrant ?? false,
    close: args.close ?? false,
    noFork: args["no-fork"] ?? false,
    onLost: parseOneOf("--on-lost", args["on-lost"], ["fail", "kill", "ignore"]),
    notGranted: parseExitCode("--conflict-exit-code", args["conflict-exit-code"]),
    commandName: words[0] ?? "",
    rawWords: rawWords(words, args.command, data),
  };
}

/** @throws {UsageError} */
function replaceOf(
  { replace, "max-waiters": limit }: RunArguments,
  timeout: number | null,
): boolean | undefined {
  if (replace === true && timeout === 0) {
    throw new UsageError("--replace means nothing with -t 0, which does not wait");
  }
  // A number is checked elsewhere; this one refuses what has to wait until an older command has ended.
  if (replace === true && Number(limit) === 0) {
    throw new UsageError("--replace means nothing with --max-waiters 0, which does not wait");
  }
  return replace;
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
  return line.length > maxDefaultMessage
    ? `${line.slice(0, maxDefaultMessage)}…`.toWellFormed()
    : line;
}
