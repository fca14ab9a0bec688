import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  clockMonotonic,
  deadlineAfter,
  monotonicSeconds,
  timestampOf,
} from "../../src/posix/clock.ts";

test("deadlineAfter() carries nanoseconds into seconds", () => {
  for (const seconds of [0, 0.25, 0.999_999_999, 1, 1.5, 3599.75]) {
    const before = monotonicSeconds();
    const [low = 0, high = 0, nanoseconds = 0] = deadlineAfter(seconds, clockMonotonic);
    expect(nanoseconds).toBeLessThan(1e9);
    const deadline = low + high * 2 ** 32 + nanoseconds / 1e9;
    expect(deadline).toBeGreaterThanOrEqual(before + seconds - 1e-6);
    expect(deadline).toBeLessThanOrEqual(monotonicSeconds() + seconds + 1e-6);
  }
});

function two(number: number): string {
  return String(number).padStart(2, "0");
}

describe("timestampOf()", () => {
  test("is the local date and time, as JavaScript's Date has it, and six digits", () => {
    const seconds = fc.integer({ min: 0, max: 4_102_444_800 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999 }), (when, micro) => {
        const date = new Date(when * 1000);
        const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
        const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
        const expected = `${day} ${time}.${String(micro).padStart(6, "0")}`;
        expect(timestampOf({ seconds: when, microseconds: micro })).toBe(expected);
      }),
    );
  });
});
