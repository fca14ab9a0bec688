import { describe, expect, test } from "bun:test";
import { secondsOfText, secondsOfTimeout } from "../../src/lock/duration.ts";

describe("secondsOfText()", () => {
  test.each([
    ["2", 2],
    [" 0.5 ", 0.5],
    ["1_000", 1000],
    ["500ms", 0.5],
    ["1h30m", 5400],
    ["7d", 604_800],
  ])("reads %p as %d seconds", (text, seconds) => {
    expect(secondsOfText(text)).toBe(seconds);
  });

  test.each(["", "-1", "5 minutes", "1h30", "1H", "nan"])(
    "tells that %p is no duration",
    (text) => {
      expect(secondsOfText(text)).toBeUndefined();
    },
  );
});

describe("secondsOfTimeout()", () => {
  test.each([
    [null, Infinity],
    [Infinity, Infinity],
    [0, 0],
    [2.5, 2.5],
    ["5s", 5],
    ["0.5", 0.5],
  ])("reads %p as %d seconds", (timeout, seconds) => {
    expect(secondsOfTimeout(timeout)).toBe(seconds);
  });

  test.each([
    [-1, "Cannot wait for -1 seconds: give null to wait forever"],
    [Number.NaN, "Cannot wait for NaN seconds: give null to wait forever"],
    ["5x", 'Cannot wait for "5x": it is not a duration; give seconds, as in 0.5'],
    ["-1", 'Cannot wait for "-1": it is not a duration'],
  ])("throws a RangeError for %p", (timeout, text) => {
    expect(() => secondsOfTimeout(timeout)).toThrow(RangeError);
    expect(() => secondsOfTimeout(timeout)).toThrow(text);
  });
});
