import { describe, expect, spyOn, test } from "bun:test";
import { seatFlags } from "../../../src/host/ledger/seat-words.ts";
import {
  clockOffset,
  dateOf,
  microsecondsSet,
  seatTime,
} from "../../../src/host/ledger/seat-time.ts";
import { ResourceLock } from "../../../src/index.ts";
import * as clock from "../../../src/posix/clock.ts";
import { newLockName } from "../../support/binary.ts";

const now = 1_800_000_000e6;
const hour = 3600e6;

/** The flags of a seat that was taken when the wall clock was at a time and the machine so old. */
function flagsAt(wall: number, bootSeconds: number): number {
  const boot = spyOn(clock, "bootSeconds").mockReturnValue(bootSeconds);
  const flags = seatFlags.leavesMarks + clockOffset(wall);
  boot.mockRestore();
  return flags;
}

/** What a seat of those flags tells at another time. */
function at<T>(bootSeconds: number, tell: () => T): T {
  const boot = spyOn(clock, "bootSeconds").mockReturnValue(bootSeconds);
  try {
    return tell();
  } finally {
    boot.mockRestore();
  }
}

describe("the times of a seat", () => {
  test.each([
    ["nobody has set", 0],
    ["was set by an hour", hour],
    ["was set back by 80 days", -80 * 24 * hour],
    ["was set by 300 days, as after a boot without a clock", 300 * 24 * hour],
  ])("are right when the clock %s", (_, step) => {
    const flags = flagsAt(now, 1000);
    // An hour of the boot clock later.
    const wall = now + hour + step;
    const set = at(4600, () => microsecondsSet({ flags }, wall));
    expect(set).toBe(step);
    expect(at(4600, () => seatTime({ flags }, wall))).toBe(now + hour);
  });

  test("do not follow the small steps of a clock that is slewed", () => {
    const flags = flagsAt(now, 1000);
    expect(at(1010, () => microsecondsSet({ flags }, now + 10e6 + 100_000))).toBe(0);
  });

  test.each([0, seatFlags.usesFutex, seatFlags.leavesMarks])(
    "are those of the wall clock in a seat that keeps no offset (flags %d)",
    (flags) => {
      expect(microsecondsSet({ flags }, now)).toBe(0);
    },
  );

  test("leave the other flags alone", () => {
    expect(flagsAt(now, 1000) % 8).toBe(seatFlags.leavesMarks);
    expect(flagsAt(0, 1e6) % 8).toBe(seatFlags.leavesMarks);
  });

  test("dateOf() is null for a time that has not come", () => {
    expect(dateOf({ flags: 0 }, 0)).toBeNull();
  });
});

test("status() and history() tell how long a lock is held, and not how far the clock was set", () => {
  using lock = new ResourceLock(newLockName());
  lock.getLock();
  const before = lock.status().holders[0]?.since ?? 0;
  const days = 3 * 24 * 3600;
  // As if the wall clock were three days further ahead.
  const boot = spyOn(clock, "bootSeconds").mockImplementation(
    () => clock.monotonicSeconds() - days,
  );
  const after = lock.status().holders[0]?.since ?? 0;
  const granted = lock.history()[0]?.granted ?? 0;
  boot.mockRestore();
  expect(after - before).toBeGreaterThan(days - 1);
  expect(granted - before).toBeGreaterThan(days - 1);
});
