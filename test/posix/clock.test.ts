import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { timestampOf } from "../../src/posix/clock.ts";

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
