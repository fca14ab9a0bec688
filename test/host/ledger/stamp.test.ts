import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isStampOf, stampedBytes, stampOf } from "../../../src/host/ledger/stamp.ts";
import { formatLockInfo } from "../../../src/lock/info-text.ts";
import { timestampOf } from "../../../src/posix/clock.ts";

/** A segment in which these texts were written one after the other, each with its NUL. */
function segment(...texts: string[]): { head: Uint8Array; textBytes: number } {
  const bytes = new Uint8Array(4096);
  for (const text of texts) new TextEncoder().encodeInto(`${text}\0`, bytes);
  return { head: bytes.subarray(0, stampedBytes), textBytes: bytes.indexOf(0) };
}

const stampIn = (...texts: string[]) => {
  const { head, textBytes } = segment(...texts);
  return stampOf(head, textBytes);
};
const grant = formatLockInfo(
  "somebody",
  timestampOf({ seconds: 1_700_000_012, microseconds: 345_678 }),
);
const grantedAt = 1_700_000_012_345_678;

describe("stampOf()", () => {
  test("has the digits of a grant's date", () => {
    expect(stampIn(grant)).toEqual({ isDated: true, digits: "32.345678" });
    expect(isStampOf(stampIn(grant), grantedAt)).toBe(true);
    expect(isStampOf(stampIn(grant), grantedAt + 1)).toBe(false);
  });

  test("takes a date without microseconds for one with none of them", () => {
    expect(stampIn("2026-11-25 23:20:07 - who")).toEqual({ isDated: true, digits: "07.000000" });
  });

  test("finds what is left of a grant's date behind a text that was only set", () => {
    expect(stampIn(grant, "idle")).toEqual({ isDated: false, digits: "32.345678" });
    expect(stampIn(grant, "a text of twenty chr")).toEqual({ isDated: false, digits: "45678" });
    expect(isStampOf(stampIn(grant, "a text of twenty chr"), grantedAt)).toBe(true);
    expect(isStampOf(stampIn(grant, "a text of twenty chr"), grantedAt + 1)).toBe(false);
  });

  test.each([
    ["a new segment", []],
    ["a text that hides the date", [grant, "x".repeat(stampedBytes)]],
    ["a text that was set twice, of which the first hid the date", [grant, "x".repeat(40), "idle"]],
    ["a text that is nearly dated", ["2026-11-25 23:20:07.12345 - who"]],
  ])("finds nothing in %s, which may be anybody's", (_, texts) => {
    const stamp = stampIn(...texts);
    expect(stamp).toEqual({ isDated: false, digits: "" });
    expect(isStampOf(stamp, grantedAt)).toBe(true);
  });

  test("finds nothing in a segment that is shorter than a date", () => {
    expect(stampOf(new Uint8Array(8), 3)).toEqual({ isDated: false, digits: "" });
  });

  test("tells two grants apart whatever time zone their dates are in", () => {
    const offset = fc.integer({ min: -14 * 4, max: 14 * 4 }).map((quarters) => quarters * 900);
    const moment = fc.integer({ min: 1e15, max: 2e15 });
    fc.assert(
      fc.property(moment, moment, offset, (mine, theirs, zone) => {
        fc.pre(mine % 60e6 !== theirs % 60e6);
        const seconds = Math.floor(theirs / 1e6) + zone;
        const text = formatLockInfo("peer", timestampOf({ seconds, microseconds: theirs % 1e6 }));
        expect(isStampOf(stampIn(text), theirs)).toBe(true);
        expect(isStampOf(stampIn(text), mine)).toBe(false);
        expect(isStampOf(stampIn(text, "idle"), mine)).toBe(false);
      }),
    );
  });
});
