import { expect, test } from "bun:test";
import { LedgerImage } from "../../../src/host/ledger/layout.ts";
import { secondsMissing } from "../../../src/host/ledger/record.ts";
import { monotonicSeconds } from "../../../src/posix/clock.ts";

/** A unit that was seen missing at times so many seconds from now. */
function seen(since: number, last: number): number {
  const now = monotonicSeconds();
  const times = { missingSince: (now + since) * 1e6, missingSeen: (now + last) * 1e6 };
  return secondsMissing(Object.assign(new LedgerImage().header, times));
}

test("secondsMissing() counts from when the unit was seen missing first", () => {
  expect(seen(-2, -0.1)).toBeCloseTo(2, 1);
});

test("secondsMissing() is 0 when the unit may have been there meanwhile", () => {
  expect(seen(-5, -3)).toBe(0);
});

test("secondsMissing() is 0 when the unit was seen on a clock that is ahead, or behind", () => {
  expect(seen(86_399, 86_400)).toBe(0);
  expect(seen(-86_401, -86_400)).toBe(0);
});
