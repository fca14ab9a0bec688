import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseDuration, parseTimeout } from "../../../src/cli/arguments/values.ts";
import { UsageError } from "../../../src/cli/arguments/words.ts";

describe("parseDuration()", () => {
  test.each([
    ["0", 0],
    ["2", 2],
    ["0.5", 0.5],
    [".5", 0.5],
    ["2.", 2],
    ["500ms", 0.5],
    ["10s", 10],
    ["5m", 300],
    ["1h", 3600],
    ["1.5h", 5400],
    ["576h", 2_073_600],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseDuration("-t", text)).toBe(seconds);
  });

  test.each([
    ["-1"],
    ["-0.5"],
    [""],
    [" "],
    ["nan"],
    ["inf"],
    ["1e3"],
    ["5 minutes"],
    ["1d"],
    ["."],
    ["577h"],
    ["9".repeat(400)],
  ])("%j is refused, and the option named", (text) => {
    expect(() => parseDuration("--update", text)).toThrow(UsageError);
    expect(() => parseDuration("--update", text)).toThrow("--update");
  });

  test("whatever is given, the answer is from 0 to 24 days or an error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const seconds = parseDuration("-t", text);
          expect(seconds).toBeGreaterThanOrEqual(0);
          expect(seconds).toBeLessThanOrEqual(2_073_600);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe("parseTimeout()", () => {
  test("-1 is for ever, however it is spelt", () => {
    expect(["-1", "-1.", "-1.0", "-1.00"].map((text) => parseTimeout("-t", text))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test.each([["-2"], ["-0.5"], ["-1s"], ["-1.5"]])("%s is refused as negative", (text) => {
    expect(() => parseTimeout("-t", text)).toThrow("negative");
  });

  test("anything else is a duration", () => {
    expect(parseTimeout("-t", "5m")).toBe(300);
  });
});
