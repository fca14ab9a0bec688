import { describe, expect, test } from "bun:test";
import { lockStates, seatStates } from "../../../src/host/ledger/layout.ts";
import { StallWatch } from "../../../src/host/ledger/stall.ts";
import { monotonicSeconds } from "../../../src/posix/clock.ts";
import { type FakeView, viewOf } from "./fake.ts";

const freedAt = (secondsAgo: number) => Math.floor((monotonicSeconds() - secondsAgo) * 1e6);
/** Seat 1 is the first waiter, seat 2 watches it. */
const secondsLeft = (view: FakeView) =>
  new StallWatch().secondsLeft(viewOf({ seats: [{}, {}], seat: 2, ...view }).view, 1);

describe("StallWatch.secondsLeft()", () => {
  test("gives the first waiter half a second from when the lock was freed", () => {
    const header = { state: lockStates.free, notedHash: 1, freedAt: freedAt(0.4) };
    expect(secondsLeft({ header, value: 1 })).toBeCloseTo(0.1, 1);
  });

  test("is below 0 when the first waiter has left a free lock for longer", () => {
    const header = { state: lockStates.free, notedHash: 1, freedAt: freedAt(2) };
    expect(secondsLeft({ header, value: 1 })).toBeLessThan(0);
  });

  test("counts from now when a peer freed it, of which nobody knows when", () => {
    const header = { state: lockStates.free, notedHash: 2, freedAt: freedAt(2) };
    expect(secondsLeft({ header, value: 1 })).toBeCloseTo(0.5, 1);
  });

  test("is undefined when a peer has the lock", () => {
    const header = { state: lockStates.free, notedHash: 2 };
    expect(secondsLeft({ header })).toBeUndefined();
  });

  test("is half a second when the holder died", () => {
    expect(secondsLeft({ header: { state: lockStates.held } })).toBeCloseTo(0.5, 1);
  });

  test("is the grace time more when the unit is missing", () => {
    const header = { state: lockStates.free, notedHash: 1 };
    expect(secondsLeft({ header })).toBeCloseTo(1.5, 1);
  });

  test("is undefined for one that does not adopt itself", () => {
    expect(secondsLeft({ header: { state: lockStates.held }, adopts: false })).toBeUndefined();
  });

  test("gives one that waited for an evicted seat until its own next tick", () => {
    const header = { state: lockStates.free, notedHash: 1, evictedAt: freedAt(0) };
    expect(secondsLeft({ header, value: 1 })).toBeCloseTo(1.5, 1);
  });

  test("is undefined when somebody is before the first waiter, and remembers whom", () => {
    const watch = new StallWatch();
    const seats = [{ state: seatStates.holding }, {}, {}];
    expect(watch.secondsLeft(viewOf({ seats, seat: 3 }).view, 2)).toBeUndefined();
    expect(watch.firstWaiterBlocker).toBe(1);
  });
});
