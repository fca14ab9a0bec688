/** Durations on the command line. */
import { UsageError } from "./usage-error.ts";

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** 24 days: the longest that a timer of the event loop can run. */
const longestSeconds = 24 * 24 * 3600;

/**
 * Seconds of a duration: a number of seconds, with a fraction or not, or one with a unit of ms, s, m, h.
 *
 * @param option the option that it belongs to, for the message
 * @throws {UsageError}
 */
export function parseDuration(option: string, text: string): number {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (unitSeconds[unit] ?? 1);
  if (number === "") {
    throw new UsageError(
      `${option}: ${JSON.stringify(text)} is not a duration; give seconds, as in 0.5, or 500ms, 10s, 5m, 1h`,
    );
  }
  if (seconds > longestSeconds) {
    throw new UsageError(`${option}: ${JSON.stringify(text)} is longer than 24 days`);
  }
  return seconds;
}

/**
 * A duration to wait, or null, for ever, for the -1 of cjnfuncs.resourcelock.
 *
 * @throws {UsageError}
 */
export function parseTimeout(option: string, text: string): number | null {
  if (!text.trim().startsWith("-")) return parseDuration(option, text);
  if (Number(text) === -1) return null;
  throw new UsageError(`${option}: ${JSON.stringify(text)} is negative; -1 alone means for ever`);
}
