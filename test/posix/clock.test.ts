import { expect, test } from "bun:test";
import { clockMonotonic, deadlineAfter, monotonicSeconds } from "../../src/posix/clock.ts";

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
