/** Durations in words, the same in options of the command line and of the library. */

const unitSeconds: Record<string, number> = {
  ms: 0.001,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
};

/** A number as Python's float() reads it, which is how cjnfuncs.resourcelock reads its times. */
const plainNumber = /^\+?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/i;
/** As in `1h30m`. */
const numbersWithUnits = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ms|sec|s|min|m|h|d))+$/;

/** 24 days: the longest that a timer of the event loop can run. */
export const maxTimerSeconds = 24 * 86_400;

/** What a duration looks like, for the message about one that does not. */
export const durationForms = "give seconds, as in 0.5, or a unit, as in 500ms, 10s, 5m, 1h30m, 7d";

/** Reads a duration: seconds, or numbers with units. @returns undefined for a text that is none */
export function secondsOfText(text: string): number | undefined {
  const trimmed = text.trim();
  if (plainNumber.test(trimmed)) return Number(trimmed.replaceAll("_", ""));
  if (!numbersWithUnits.test(trimmed)) return undefined;
  let seconds = 0;
  for (const [, number = "", unit = ""] of trimmed.matchAll(/([\d.]+)([a-z]+)/g)) {
    seconds += Number(number) * (unitSeconds[unit] ?? 0);
  }
  return seconds;
}

/**
 * Reads the time limit of a request.
 *
 * @param timeout seconds, or a text such as `"5s"`; null is forever
 * @throws {RangeError} for a number below 0 or that is none, and for a text that is no duration
 * @throws {TypeError} for what is neither, which a program without types may give
 */
export function secondsOfTimeout(timeout: number | string | null): number {
  if (timeout === null) return Infinity;
  if (typeof timeout === "string") {
    const seconds = secondsOfText(timeout);
    if (seconds !== undefined) return seconds;
    throw new RangeError(
      `Cannot wait for ${JSON.stringify(timeout)}: it is not a duration; ${durationForms}`,
    );
  }
  if (typeof timeout !== "number") {
    throw new TypeError(
      `Cannot wait for ${String(timeout)}: give seconds, a text such as "5s", or null to wait forever`,
    );
  }
  if (timeout >= 0) return timeout;
  throw new RangeError(`Cannot wait for ${timeout} seconds: give null to wait forever`);
}
