/** Results to stdout, for people or as JSON; diagnostics to stderr, through consola. */
import { createConsola, type ConsolaInstance, type LogType } from "consola/core";
import type { DebugMethod, LockLogger } from "../../lock/messages.ts";
import { closesOnExec, isWritable, waitWritable, writeFile } from "../../posix/file.ts";
import { errorText, isPosixError, PosixError } from "../../posix/libc.ts";
import { columnsOf, obeysControls } from "../../posix/terminal.ts";
import { escapeControls, jsonLine } from "./escape.ts";

const stdout = 1;
const stderr = 2;

/** A result that could not be written. */
export class OutputError extends Error {
  override readonly name = "OutputError";

  /** Whether it was a pipe or a socket that nobody reads any more. */
  get isForWantOfReader(): boolean {
    return isPosixError(this.cause, "EPIPE");
  }

  /** Whether a signal ended it: see {@link endWritesBy}. */
  get isInterrupted(): boolean {
    return isPosixError(this.cause, "EINTR", "EAGAIN");
  }
}

const encoder = new TextEncoder();

/** What a command printed, and how it ended. */
export interface CapturedOutput {
  status: number;
  stdout: string;
  stderr: string;
  /** With `--json`, the results in words, of which stdout has the objects. */
  words: string;
}

/** Takes the output while {@link captureOutput} runs. */
let capture: CapturedOutput | undefined;

/** Whether what is printed becomes part of an answer. */
export function isCaptured(): boolean {
  return capture !== undefined;
}

/** Runs `act`, which gives a status, and keeps what it would have written to stdout and said on stderr. */
export async function captureOutput(act: () => Promise<number>): Promise<CapturedOutput> {
  const captured = { status: 0, stdout: "", stderr: "", words: "" };
  capture = captured;
  try {
    captured.status = await act();
    return captured;
  } finally {
    capture = undefined;
  }
}

/** {@link printText} of a line. */
export function printLine(line: string): void {
  printText(`${line}\n`);
}

/**
 * Writes a text to stdout, all of it. `console.log` would ignore a full disk and a closed pipe.
 *
 * @throws {OutputError}
 */
export function printText(text: string): void {
  if (capture === undefined) printBytes(encoder.encode(text));
  else capture.stdout += text;
}

let isStdoutClosed: boolean | undefined;

/**
 * Writes bytes to stdout as they are, all of them.
 *
 * @throws {OutputError}
 */
export function printBytes(bytes: Uint8Array): void {
  if (capture !== undefined) {
    capture.stdout += new TextDecoder().decode(bytes);
    return;
  }
  onStdout(() => writeAll(stdout, bytes));
}

/** @throws {OutputError} */
function onStdout<T>(write: () => T): T {
  // Bun opens /dev/null in place of a closed stdout, close-on-exec, which no inherited one can be.
  isStdoutClosed ??= closesOnExec(stdout);
  if (isStdoutClosed) throw new OutputError("Cannot write to stdout: it is closed");
  try {
    return write();
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    throw new OutputError(`Cannot write to stdout: ${errorText(error.errno)}`, { cause: error });
  }
}

/** Ends a write that waits for its reader; without one, such a write goes on. */
let endingSignal: AbortSignal | undefined;

/**
 * Has a write to a full pipe end when a signal comes in, with an {@link OutputError}: for a command that takes signals
 * instead of dying of them, and prints while it holds a lock.
 *
 * @param signal of the command's trap, which is aborted in a turn of the event loop after that
 */
export function endWritesBy(signal: AbortSignal): void {
  endingSignal = signal;
}

/** Why a write was ended: the reason of the signal of {@link endWritesBy}, if that is aborted. */
export function reasonOfEnd(): unknown {
  return endingSignal?.reason;
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeFile(descriptor, rest));
    } catch (error) {
      if (!isPosixError(error, "EAGAIN", "EINTR")) throw error;
      const isFull = isPosixError(error, "EAGAIN");
      const isInterrupted = !isFull || !waitWritable(descriptor);
      if (isInterrupted && endingSignal !== undefined) throw error;
    }
  }
}

/** Between two looks whether stdout takes bytes: first so long, then half as long again each time ... */
const minPauseMilliseconds = 1;
/** ... up to this. */
const maxPauseMilliseconds = 50;

/**
 * Waits until stdout takes bytes, while the event loop runs.
 *
 * @returns whether it was in time
 * @throws the reason of the signal, when that is aborted
 */
export async function untilWritable(signal: AbortSignal, seconds = Infinity): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  let pause = minPauseMilliseconds;
  while (!isWritable(stdout)) {
    const left = end - performance.now();
    if (left <= 0) return false;
    await Bun.sleep(Math.min(pause, left));
    signal.throwIfAborted();
    pause = Math.min(pause * 1.5, maxPauseMilliseconds);
  }
  return true;
}

/** PIPE_BUF of pipe(7): a pipe that poll(2) calls writable takes so much without blocking. */
const maxBytesAtOnce = 4096;

/**
 * {@link printText} for a process that must not block: its signals and timers are seen while nobody reads.
 *
 * @throws {OutputError}
 * @throws the reason of the signal, when that is aborted before all is written
 */
export async function printPatiently(text: string, signal: AbortSignal): Promise<void> {
  const bytes = encoder.encode(text);
  for (let start = 0; start < bytes.length;) {
    await untilWritable(signal);
    start += onStdout(() => writeSome(bytes.subarray(start, start + maxBytesAtOnce)));
  }
}

/** Writes what stdout takes. A terminal with little room blocks, until a signal comes. @returns how many bytes it took */
function writeSome(bytes: Uint8Array): number {
  try {
    return writeFile(stdout, bytes);
  } catch (error) {
    if (isPosixError(error, "EINTR", "EAGAIN")) return 0;
    throw error;
  }
}

/** How much a command says: `-q`, nothing, `-v`. */
export interface OutputOptions {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  /** Whether the words came as NAME COMMAND: results are then those of cjnfuncs.resourcelock. */
  seedOrder: boolean;
}

/** Prints a command's result: its lines, or with `--json` the object; nothing with `--quiet`. */
export function printResult(
  options: OutputOptions,
  text: string | readonly string[],
  json: object,
): void {
  if (options.quiet) return;
  const lines = typeof text === "string" ? [text] : text;
  if (options.json && capture !== undefined) capture.words += `${lines.join("\n")}\n`;
  printLine(options.json ? jsonLine(json) : lines.map(escapeControls).join("\n"));
}

const prefixes: Partial<Record<LogType, string>> = { warn: "warning: ", debug: "debug: " };

let consola: ConsolaInstance | undefined;

/** Diagnostics: each a line on stderr that starts with the program's name; it never fails. */
export function diagnostics(): ConsolaInstance {
  consola ??= createConsola({
    level: 5,
    throttle: 0,
    reporters: [
      {
        log({ type, args }) {
          const text = `${prefixes[type] ?? ""}${args.join(" ")}\n`;
          if (capture !== undefined) capture.stderr += text;
          else if (!isNotice(type) || isTaken()) {
            printToStderr(`resourcelock: ${escapeControls(text.slice(0, -1))}\n`);
          }
        },
      },
    ],
  });
  return consola;
}

/** How long a notice waits for a full stderr: nobody may ever read it. */
const noticeMilliseconds = 1000;
let isStderrStuck = false;

/** Waits a moment until stderr takes a text. */
function isTaken(): boolean {
  isStderrStuck = !waitWritable(stderr, isStderrStuck ? 0 : noticeMilliseconds);
  return !isStderrStuck;
}

/** Whether a diagnostic is dropped where stderr is full. Warnings and errors wait as long as it takes. */
const isNotice = (type: LogType) => type === "info" || type === "debug";

/** Warns in the middle of a wait or a hold, which must go on: not where stderr is full. */
export function warnMeanwhile(text: string): void {
  if (capture !== undefined || isTaken()) diagnostics().warn(text);
}

/** Writes to stderr as it is; where that is not possible, nobody can be told. */
export function printToStderr(text: string): void {
  try {
    writeAll(stderr, encoder.encode(text));
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
  }
}

/**
 * Where the lock's debug texts go: with `--verbose`, to stderr.
 *
 * @param except the method whose text the command itself prints
 */
export function lockLogger(options: OutputOptions, except?: DebugMethod): LockLogger | undefined {
  if (!options.verbose) return undefined;
  return {
    debug(text, method) {
      if (method !== except) diagnostics().debug(text);
    },
  };
}

/** The place for a notice that is repeated. */
export interface NoticeOutput {
  /** Whether it is a terminal, where a line can be written over. */
  live: boolean;
  /** How wide the terminal is. */
  columns(): number;
  /** Writes a diagnostic, as a line of its own, unless that would have to wait for a reader. */
  line(text: string): void;
  /** Writes a text as it is, unless that would have to wait for a reader. */
  raw(text: string): void;
}

/** Standard error, as lines or, on a terminal, as one line that is written over. */
export const standardError: NoticeOutput = {
  get live() {
    return obeysControls(stderr);
  },
  columns: () => columnsOf(stderr),
  line(text) {
    if (isWritable(stderr)) diagnostics().info(text);
  },
  raw(text) {
    if (isWritable(stderr)) printToStderr(text);
  },
};
