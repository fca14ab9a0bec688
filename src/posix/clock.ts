/** The clocks: clock_gettime(2), localtime_r(3). */
import { openLibc, size } from "./libc.ts";

const libc = openLibc({
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  localtime_r: { args: ["ptr", "ptr"], returns: "ptr" },
});

/** Blocks the thread for some seconds, or until a signal comes in that has a handler. */
export function pause(seconds: number): void {
  const { poll } = openLibc({ poll: { args: ["ptr", size, "i32"], returns: "i32" } });
  poll(null, 0, Math.ceil(seconds * 1000));
}

const clockRealtime = 0;
const clockMonotonic = 1;
/** As CLOCK_MONOTONIC, and it also runs while the machine is suspended. */
const clockBoottime = 7;

/** struct timespec: two 64-bit numbers. */
const timespec = new Uint32Array(4);
/** struct tm: nine ints, then what is not needed here. */
const brokenDown = new Int32Array(14);

function readClock(clock: number): void {
  libc.clock_gettime(clock, timespec);
}

/** Seconds on a clock that nobody sets. */
export function monotonicSeconds(): number {
  readClock(clockMonotonic);
  return secondsOf(timespec) + nanosecondsOf(timespec) / 1e9;
}

/** Seconds since the machine was started, time in which it was suspended included. */
export function bootSeconds(): number {
  readClock(clockBoottime);
  return secondsOf(timespec) + nanosecondsOf(timespec) / 1e9;
}

/** The date and time of day here, to the second, of a moment. */
export interface LocalTime {
  year: number;
  /** 1 to 12 */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** Seconds since 1970, and microseconds within the second. */
export function now(): { seconds: number; microseconds: number } {
  readClock(clockRealtime);
  return {
    seconds: secondsOf(timespec),
    microseconds: Math.floor(nanosecondsOf(timespec) / 1000),
  };
}

/** Microseconds since 1970. */
export function microsecondsNow(): number {
  readClock(clockRealtime);
  return secondsOf(timespec) * 1e6 + Math.floor(nanosecondsOf(timespec) / 1000);
}

/** Local time by the C library: the first use of JavaScript's `Date` in local time costs 3 ms at start-up. */
export function localTime(secondsSince1970: number): LocalTime {
  timespec[0] = secondsSince1970 % 2 ** 32;
  timespec[1] = Math.floor(secondsSince1970 / 2 ** 32);
  libc.localtime_r(timespec, brokenDown);
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = brokenDown;
  return { year: year + 1900, month: month + 1, day, hour, minute, second };
}

let cachedSecond = -1;
let cachedText = "";

/** Local time as `YYYY-MM-DD HH:MM:SS.ffffff`. */
export function timestampOf({ seconds, microseconds }: ReturnType<typeof now>): string {
  // Breaking a time down is the dearest step, and the times of grants in a loop share a second.
  if (seconds !== cachedSecond) {
    cachedText = formatSecond(localTime(seconds));
    cachedSecond = seconds;
  }
  return `${cachedText}.${digits(microseconds, 6)}`;
}

function formatSecond(time: LocalTime): string {
  const date = `${digits(time.year, 4)}-${digits(time.month, 2)}-${digits(time.day, 2)}`;
  return `${date} ${digits(time.hour, 2)}:${digits(time.minute, 2)}:${digits(time.second, 2)}`;
}

function digits(number: number, width: number): string {
  return String(number).padStart(width, "0");
}

function secondsOf(time: Uint32Array): number {
  return (time[0] ?? 0) + (time[1] ?? 0) * 2 ** 32;
}

function nanosecondsOf(time: Uint32Array): number {
  return time[2] ?? 0;
}
