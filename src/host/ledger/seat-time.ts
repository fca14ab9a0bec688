/**
 * The times of a seat. They are dates for people, of the wall clock, which may be set: a Raspberry Pi has no other one
 * that goes on while it is off. So that durations are right all the same, a seat keeps by how much the wall clock was
 * ahead of the boot clock, which nobody sets and which goes on through suspend, and all its later times are as if
 * nobody had set the clock since.
 */
import { bootSeconds, microsecondsNow } from "../../posix/clock.ts";
import type { Seat } from "./layout.ts";

/** The clock offset stands in the flags of a seat, in units of 1/8 s modulo 2^29: it tells steps of up to a year. */
const unitsPerSecond = 8;
const offsetFactor = 2 ** 3;
const offsetRange = 2 ** 29;
/** Smaller steps are those of rounding, and of a clock that is slewed. */
const minStepUnits = 2;

/**
 * How far the wall clock is ahead of the boot clock, as the flags of a seat have it; not 0, which stands for a seat of
 * a program that did not write it.
 *
 * @param wallMicroseconds the time on the wall clock now
 */
export function clockOffset(wallMicroseconds: number): number {
  const units = Math.floor((wallMicroseconds / 1e6 - bootSeconds()) * unitsPerSecond);
  return (((units % offsetRange) + offsetRange) % offsetRange || 1) * offsetFactor;
}

/** By how many microseconds the clock has been set since a seat was taken; 0 where nobody knows. */
export function microsecondsSet({ flags }: Pick<Seat, "flags">, wallMicroseconds: number): number {
  const then = Math.floor(flags / offsetFactor);
  if (then === 0) return 0;
  const difference = clockOffset(wallMicroseconds) / offsetFactor - then;
  // The nearest of those that are the same modulo the range.
  const units = difference - Math.round(difference / offsetRange) * offsetRange;
  return Math.abs(units) < minStepUnits ? 0 : (units / unitsPerSecond) * 1e6;
}

/**
 * The time now on the clock as it was when a seat was taken, for its dates.
 *
 * @param wallMicroseconds the time on the wall clock now
 */
export function seatTime(seat: Pick<Seat, "flags">, wallMicroseconds: number): number {
  return wallMicroseconds - microsecondsSet(seat, wallMicroseconds);
}

/**
 * A time of a seat as a date on the clock as it is set now, in seconds since 1970; null where there is none. So what
 * has passed since then is right, and so is the date if it is the clock's earlier setting that was wrong.
 */
export function dateOf(seat: Pick<Seat, "flags">, microseconds: number): number | null {
  if (microseconds === 0) return null;
  return (microseconds + microsecondsSet(seat, microsecondsNow())) / 1e6;
}
