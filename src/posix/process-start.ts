/** Telling processes apart whose numbers are used again: proc_pid_stat(5). */
import { bootSeconds, microsecondsNow } from "./clock.ts";
import { readProcessFile, showsOwnNumbers } from "./proc.ts";
import { processExists } from "./process.ts";

/** The largest process number of Linux: PID_MAX_LIMIT of linux/threads.h. */
export const maxProcessId = 2 ** 22;

/** What /proc says of a process. */
interface ProcessStat {
  /** Whether it has ended with all its threads, and only its parent has not taken notice. */
  readonly isZombie: boolean;
  readonly parent: number;
  /** In clock ticks since the host's start, on the clock of this process's time namespace. */
  readonly start: number;
}

/** USER_HZ, in which the kernel counts for programs on both architectures. */
const ticksPerSecond = 100;

/** Undefined for a process that cannot be seen. */
function statOf(processId: number): ProcessStat | undefined {
  const bytes = readProcessFile(processId, "stat");
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  // The name, in parentheses, may hold anything, parentheses too. State is field 3, the parent 4, the number of threads
  // 20, the start time 22.
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    // The state is that of the first thread, which may have ended before the others: pthread_exit(3). A zombie has it alone.
    isZombie: state === "X" || (state === "Z" && Number(fields[16]) <= 1),
    parent: Number(fields[0]),
    start: Number(fields[18]),
  };
}

/**
 * When a process was started, in clock ticks since the host's start; undefined where there is none, or only
 * its zombie.
 */
export function processStart(processId: number): number | undefined {
  const stat = statOf(processId);
  return stat === undefined || stat.isZombie ? undefined : stat.start;
}

/** In place of a start that cannot be seen; that of the host's first process may be 0, which never ends. */
export const unknownStart = 0;

/**
 * Whether the process that was started at a time has ended. One that /proc does not show (hidepid) is taken to live
 * as long as there is one of that number.
 *
 * @param start as {@link processStart} gave it, or {@link unknownStart}
 */
export function hasEnded(processId: number, start: number): boolean {
  const stat = statOf(processId);
  if (stat === undefined) return !processExists(processId);
  return stat.isZombie || (start !== unknownStart && stat.start !== start);
}

/** Whether there is a process of a number, for all that can be seen of it. */
export function isAlive(processId: number): boolean {
  const stat = statOf(processId);
  return stat === undefined ? processExists(processId) : !stat.isZombie;
}

/**
 * By how much a date of the wall clock may be wrong on the clock that start times are counted on: steps of the wall
 * clock are told to a quarter of a second, see `seat-time.ts`.
 */
const maxDateErrorSeconds = 0.5;

/**
 * Whether the process that has a number now was started after a moment, so that who had the number then is another one.
 * Not of a process that cannot be seen.
 *
 * @param seconds since 1970, on the wall clock as it is set now
 */
export function startedAfter(processId: number, seconds: number): boolean {
  const start = statOf(processId)?.start;
  if (start === undefined) return false;
  const onBootClock = bootSeconds() - (microsecondsNow() / 1e6 - seconds);
  return start / ticksPerSecond > onBootClock + maxDateErrorSeconds;
}

/**
 * A process, this one by default, and those that it comes from, as far as they can be seen: none where /proc shows
 * another PID namespace, as the numbers in it are of others.
 */
export function processAndAncestors(processId = process.pid): Set<number> {
  const found = new Set<number>();
  for (let pid = processId; pid > 0 && !found.has(pid);) {
    found.add(pid);
    pid = showsOwnNumbers() ? (statOf(pid)?.parent ?? 0) : 0;
  }
  return found;
}
