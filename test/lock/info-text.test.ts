import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LockInfoError } from "../../src/lock/errors.ts";
import { timestampOf } from "../../src/posix/clock.ts";
import {
  decodeLockInfo,
  encodeLockInfo,
  formatLockInfo,
  momentOfGrant,
} from "../../src/lock/info-text.ts";

describe("formatLockInfo()", () => {
  test("puts the time before the text", () => {
    expect(formatLockInfo("make deploy", "2026-11-25 10:00:00.000001")).toBe(
      "2026-11-25 10:00:00.000001 - make deploy",
    );
  });
});

describe("encodeLockInfo() and decodeLockInfo()", () => {
  test("give back each text that has no NUL and is well-formed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0, max: 64 }), (text, more) => {
        fc.pre(!text.includes("\0"));
        const size = Buffer.byteLength(text) + 1;
        const segment = new Uint8Array(size + more).fill(0x61);
        segment.set(encodeLockInfo(text, size));
        expect(decodeLockInfo(segment)).toBe(text);
        expect(() => encodeLockInfo(text, size - 1)).toThrow(LockInfoError);
      }),
    );
  });

  test("a text with a NUL is refused, as it would be cut short", () => {
    expect(() => encodeLockInfo("a\0b", 4096)).toThrow(LockInfoError);
  });

  test("whatever stands in a segment can be read", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeLockInfo(bytes)).not.toContain("\0");
      }),
    );
  });
});

describe("momentOfGrant()", () => {
  test("gives the time that formatLockInfo() has put before a text", () => {
    const seconds = 1_764_000_000;
    const text = formatLockInfo("make deploy", timestampOf({ seconds, microseconds: 250_000 }));
    expect(momentOfGrant(text)).toBe(seconds + 0.25);
  });

  test.each(["", "make deploy", "2026-99-99 99:99:99.000000 - "])(
    "gives nothing for %p",
    (text) => {
      expect(momentOfGrant(text)).toBeUndefined();
    },
  );
});
