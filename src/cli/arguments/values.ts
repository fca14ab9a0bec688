/** The values of options: what each may be, and what it means. */
import { durationForms, maxTimerSeconds, secondsOfText } from "../../lock/duration.ts";
import { showsOwnNumbers } from "../../posix/proc.ts";
import { processStart } from "../../posix/process-start.ts";
import type { RequestedKind } from "../../lock/kinds.ts";
import { UsageError } from "./words.ts";

/**
 * Seconds of a duration: a number of seconds, or numbers with a unit of ms, s, m, h, d.
 *
 * @param option the option that it belongs to, for the message
 * @throws {UsageError}
 */
export function parseDuration(option: string, text: string): number {
  const seconds = parseAge(option, text);
  if (seconds <= maxTimerSeconds) return seconds;
  throw new UsageError(`${option}: ${JSON.stringify(text)} is longer than 24 days`);
}

/** The same without a limit, for a time that nobody waits for. */
export function parseAge(option: string, text: string): number {
  const seconds = secondsOfText(text);
  if (seconds !== undefined) return seconds;
  const isCommand = /^[\w./-]+$/.test(text) && Bun.which(text) !== null;
  const advice = isCommand ? `give a time before the command ${text}` : durationForms;
  throw new UsageError(`${option}: ${JSON.stringify(text)} is not a duration; ${advice}`);
}

/**
 * A duration to wait, or null, forever, for the -1 of cjnfuncs.resourcelock.
 *
 * @throws {UsageError}
 */
export function parseTimeout(option: string, text: string): number | null {
  const trimmed = text.trim();
  if (trimmed.startsWith("-")) {
    if (Number(trimmed) === -1) return null;
    throw new UsageError(`${option}: ${JSON.stringify(text)} is negative; -1 alone means forever`);
  }
  return /^\+?inf(?:inity)?$/i.test(trimmed) ? null : parseDuration(option, text);
}

/**
 * The names of `a,b`. A leading slash makes it one name, as a lock of the Python tool may have a comma in its name.
 *
 * @throws {UsageError} for spaces beside a comma, which would be part of a name
 */
export function parseNames(text: string): string[] {
  if (text.startsWith("/")) return [text];
  const names = text.split(",");
  if (names.length > 1 && names.some((name) => name !== name.trim())) {
    const meant = JSON.stringify(names.map((name) => name.trim()).join(","));
    throw new UsageError(
      `${JSON.stringify(text)} has spaces beside a comma; for several locks, write ${meant}`,
    );
  }
  return names;
}

/**
 * A whole number, written as one.
 *
 * @throws {UsageError}
 */
function parseInteger(
  option: string,
  text: string,
  { min, max }: { min: number; max: number },
): number {
  const number = Number(text);
  const isWhole = String(number) === text && Number.isInteger(number);
  if (isWhole && number >= min && number <= max) return number;
  throw new UsageError(`${option}: ${JSON.stringify(text)} is not a number from ${min} to ${max}`);
}

/**
 * One of some words.
 *
 * @throws {UsageError}
 */
export function parseOneOf<const Word extends string>(
  option: string,
  text: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`${option}: ${JSON.stringify(text)} is not ${words.join(" or ")}`);
}

/** A fencing token. @throws {UsageError} */
export function parseToken(option: string, text: string): number {
  return parseInteger(option, text, { min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** How many of something to show. @throws {UsageError} */
export function parseCount(option: string, text: string): number {
  return parseInteger(option, text, { min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** @throws {UsageError} */
export function parseExitCode(option: string, text: string): number {
  return parseInteger(option, text, { min: 0, max: 255 });
}

/** The status of a lock that was not granted or is not free, where 0 would tell the opposite. @throws {UsageError} */
export function parseRefusalStatus(option: string, text: string): number {
  const status = parseExitCode(option, text);
  if (status !== 0) return status;
  throw new UsageError(`${option}: 0 would mean that the lock was granted, or is free`);
}

/** A lock has room for so many holders and waiters. */
const maxSlots = 1023;

/** What `--newest` and `--max-waiters` ask for. @throws {UsageError} */
export function parseQueueing(
  args: { newest?: boolean | undefined; "max-waiters"?: string | undefined },
  timeoutSeconds: number | null,
): { newest: boolean | undefined; maxWaiters: number | undefined } {
  const { newest, "max-waiters": limit } = args;
  const maxWaiters =
    limit === undefined
      ? undefined
      : parseInteger("--max-waiters", limit, { min: 0, max: maxSlots });
  // It would send others away, and then go itself.
  if (newest === true && timeoutSeconds === 0) {
    throw new UsageError("--newest means nothing with -t 0, which does not wait");
  }
  if (maxWaiters !== undefined && timeoutSeconds === 0) {
    throw new UsageError("--max-waiters means nothing with -t 0, which does not wait");
  }
  return { newest, maxWaiters };
}

/**
 * How a lock is to be held, by `--shared` and `--slots`. Slots are counted, or named by what they stand for:
 * `ttyUSB0,ttyUSB1` are two, in any order.
 *
 * @throws {UsageError}
 */
export function parseKind(shared: boolean | undefined, slots: string | undefined): RequestedKind {
  if (slots === undefined) return shared === true ? "shared" : "exclusive";
  if (/^[-+.\d]/.test(slots) && !slots.includes(",")) {
    return { slots: parseInteger("--slots", slots, { min: 1, max: maxSlots }) };
  }
  // So that a name has the same number wherever somebody lists it.
  const names = slots.split(",").toSorted();
  const isUsable = !names.includes("") && new Set(names).size === names.length;
  if (!isUsable) {
    throw new UsageError(
      `--slots: ${JSON.stringify(slots)} is neither a number nor a list of different names`,
    );
  }
  if (names.length > maxSlots) {
    throw new UsageError(`--slots: ${names.length} names are given; ${maxSlots} are allowed`);
  }
  return { slots: names.length, names };
}

/** The number of a process, which may have ended. @throws {UsageError} */
export function parsePid(option: string, text: string): number {
  return parseInteger(option, text, { min: 1, max: 2 ** 31 - 1 });
}

/** A process, told apart from a later one of its number by its start. */
export interface LivingProcess {
  readonly pid: number;
  readonly start: number;
}

/** A process by its number. @throws {UsageError} if no such process lives */
export function parseProcess(option: string, text: string): LivingProcess {
  const process = Number(text);
  const isWhole = String(process) === text && Number.isInteger(process) && process > 0;
  const start = isWhole ? processStart(process) : undefined;
  if (start !== undefined) return { pid: process, start };
  if (isWhole && !showsOwnNumbers()) {
    const reason = "/proc shows the processes of another PID namespace";
    throw new UsageError(`${option}: nobody could tell when process ${process} ends: ${reason}`);
  }
  throw new UsageError(`${option}: ${JSON.stringify(text)} is not the number of a living process`);
}

/**
 * Who may use a lock that is created, by --mode and --group. Whether there is such a group is the engine's to say.
 *
 * @throws {UsageError} for a mode that is none
 */
export function parseAccess(
  mode: string | undefined,
  group: string | undefined,
): { mode: number | undefined; group: string | undefined } {
  const bits = mode === undefined ? undefined : parseMode(mode);
  if (bits !== undefined && group !== undefined && (bits & 0o070) === 0) {
    throw new UsageError(`--group means nothing with --mode ${mode}, which keeps the group out`);
  }
  return { mode: bits, group };
}

function parseMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(`--mode: ${JSON.stringify(text)} is not a mode in octal, as in 0660`);
}
