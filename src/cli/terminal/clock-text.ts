/** Moments as people read them, in local time. */
import { type LocalTime, localTime } from "../../posix/clock.ts";

/** As in `2026-11-23`. */
export function dateText(secondsSince1970: number): string {
  const { year, month, day } = local(secondsSince1970);
  return `${digits(year, 4)}-${digits(month)}-${digits(day)}`;
}

/** As in `11:22:34`, or with so many digits after the second `11:22:34.185`. */
export function clockText(secondsSince1970: number, fractionDigits = 0): string {
  const { hour, minute, second } = local(secondsSince1970);
  const fraction = Math.floor((secondsSince1970 % 1) * 10 ** fractionDigits);
  const end = fractionDigits === 0 ? "" : `.${digits(fraction, fractionDigits)}`;
  return `${digits(hour)}:${digits(minute)}:${digits(second)}${end}`;
}

function local(secondsSince1970: number): LocalTime {
  return localTime(Math.floor(secondsSince1970));
}

function digits(number: number, width = 2): string {
  return String(number).padStart(width, "0");
}
