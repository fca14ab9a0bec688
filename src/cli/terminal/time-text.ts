/** Durations and moments as people read them. */
import { type LocalTime, localTime } from "../../posix/clock.ts";

/** As in `7ms`, `3.2s`, and from ten seconds on as {@link durationText}. */
export function fineDurationText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))}ms`;
  return seconds < 9.95 ? `${seconds.toFixed(1)}s` : durationText(seconds);
}

/** As in `45s`, `3m12s`, `2h05m`, `3d04h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${digits(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${digits((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d${digits((whole % 86_400) / 3600)}h`;
}

/** As in `just now`, `4m ago`, `3d ago`: one unit is enough for the past. */
export function agoText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 1) return "just now";
  if (whole < 60) return `${whole}s ago`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ago`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ago`;
  return `${Math.floor(whole / 86_400)}d ago`;
}

/** As in `2026-11-23`, in local time. */
export function dateText(secondsSince1970: number): string {
  const { year, month, day } = local(secondsSince1970);
  return `${digits(year, 4)}-${digits(month)}-${digits(day)}`;
}

/** As in `11:22:34`, or with so many digits after the second `11:22:34.185`, in local time. */
export function clockText(secondsSince1970: number, fractionDigits = 0): string {
  // In whole steps of the last digit: 34.2999999 is 34.3 after a sum of tenths.
  const steps = Math.floor(secondsSince1970 * 10 ** fractionDigits + 1e-3);
  const { hour, minute, second } = local(Math.floor(steps / 10 ** fractionDigits));
  const fraction = steps % 10 ** fractionDigits;
  const end = fractionDigits === 0 ? "" : `.${digits(fraction, fractionDigits)}`;
  return `${digits(hour)}:${digits(minute)}:${digits(second)}${end}`;
}

/** Seconds since local midnight, so that round times of day can be found. */
export function secondsOfDay(secondsSince1970: number): number {
  const { hour, minute, second } = local(secondsSince1970);
  return hour * 3600 + minute * 60 + second + (secondsSince1970 - Math.floor(secondsSince1970));
}

function local(secondsSince1970: number): LocalTime {
  return localTime(Math.floor(secondsSince1970));
}

function digits(number: number, width = 2): string {
  return String(Math.floor(number)).padStart(width, "0");
}
