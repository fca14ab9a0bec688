import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { stopStep, stopTimes } from "../../src/etcd/stop-rule.ts";

describe("stopTimes()", () => {
  test.each([
    [15, { renewAt: 103, termAt: 109, killAt: 113.5 }],
    [4, { renewAt: 100.8, termAt: 102.4, killAt: 103.4 }],
    [2, { renewAt: 100.4, termAt: 101.2, killAt: 101.4 }],
  ])("stopTimes() counts from the sending when the TTL is %d s", (ttl, expected) => {
    const times = stopTimes(100, ttl);
    expect(times.renewAt).toBeCloseTo(expected.renewAt, 9);
    expect(times.termAt).toBeCloseTo(expected.termAt, 9);
    expect(times.killAt).toBeCloseTo(expected.killAt, 9);
  });

  test("stopTimes() leaves at least 0.6 s and a tenth of the TTL before anybody else can begin", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 100_000 }),
        fc.double({ min: 0, max: 1e7, noNaN: true }),
        (ttl, sentAt) => {
          const { renewAt, termAt, killAt } = stopTimes(sentAt, ttl);
          expect(sentAt + ttl - killAt).toBeGreaterThanOrEqual(Math.max(0.6, ttl / 10) - 1e-6);
          expect(renewAt).toBeLessThan(termAt);
          expect(termAt).toBeLessThanOrEqual(killAt);
        },
      ),
    );
  });
});

describe("stopStep()", () => {
  test.each([
    [102.9, "nothing"],
    [103.1, "renew"],
    [108.9, "renew"],
    [109.1, "term"],
    [113.4, "term"],
    [113.6, "kill"],
    [1e6, "kill"],
  ] as const)("stopStep() at %d s of a lease of 15 s renewed at 100 s is %p", (now, step) => {
    expect(stopStep(now, 100, 15)).toBe(step);
  });
});
