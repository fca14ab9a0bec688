import { describe, expect, test } from "bun:test";
import { LedgerImage, lockStates, seatStates } from "../../../src/host/ledger/layout.ts";
import { markOf } from "../../../src/host/ledger/record.ts";
import { clearStall, StallWatch } from "../../../src/host/ledger/stall.ts";
import { monotonicSeconds } from "../../../src/posix/clock.ts";
import { type FakeView, viewOf } from "./fake.ts";

const freedAt = (secondsAgo: number) => Math.floor((monotonicSeconds() - secondsAgo) * 1e6);
/** A lock that seat 3 has freed, by its date and by the monotonic clock of the process that did. */
const freed = (secondsAgo: number, clockAheadSeconds = 0) => ({
  header: {
    state: lockStates.free,
    notedHash: 1,
    freedAt: freedAt(secondsAgo - clockAheadSeconds),
    holderSeat: 3,
    token: 5,
  },
  seats: [{}, {}, { ticket: 0, token: 5, endedAt: (Date.now() / 1000 - secondsAgo) * 1e6 }],
  value: 1,
});
/** Seat 1 is the first waiter, seat 2 watches it. */
const secondsLeft = (view: FakeView) => watched(new StallWatch(), view).seconds;

/** What a watch says, and what it notes. */
function watched(watch: StallWatch, view: FakeView, first = 1) {
  const header = new LedgerImage().header;
  Object.assign(header, view.header);
  const { view: seen } = viewOf({ seats: [{}, {}], seat: 2, ...view });
  return { seconds: watch.secondsLeft(seen, header, first), header };
}

const free = { state: lockStates.free, notedHash: 2 };

describe("StallWatch.secondsLeft()", () => {
  test("gives the first waiter half a second from when the lock was freed", () => {
    expect(secondsLeft(freed(0.4))).toBeCloseTo(0.1, 1);
  });

  test("is below 0 when the first waiter has left a free lock for longer", () => {
    expect(secondsLeft(freed(2))).toBeLessThan(0);
  });

  test.each([-86_400, -2, 2, 86_400])(
    "counts from now when the lock was freed in a time namespace that is %d s ahead",
    (seconds) => {
      expect(secondsLeft(freed(0.4, seconds))).toBeCloseTo(0.5, 1);
    },
  );

  test("counts from now when the seat of who freed the lock is another one's by now", () => {
    const { header, value } = freed(2);
    expect(secondsLeft({ header, value })).toBeCloseTo(0.5, 1);
  });

  test("does not believe an eviction in the future, of a time namespace that is ahead", () => {
    const header = { state: lockStates.free, notedHash: 1, evictedAt: freedAt(-86_400) };
    expect(secondsLeft({ header, value: 1 })).toBeCloseTo(1.5, 1);
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
    expect(secondsLeft({ header, mark: markOf(0) })).toBeCloseTo(1.5, 1);
  });

  test("is undefined when the unit is missing and there is no mark", () => {
    expect(secondsLeft({ header: { state: lockStates.free, notedHash: 1 } })).toBeUndefined();
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
    expect(watched(watch, { seats, seat: 3 }, 2).seconds).toBeUndefined();
    expect(watch.firstWaiterBlocker).toBe(1);
  });

  test("notes the first waiter, for others to go on counting", () => {
    const { header } = watched(new StallWatch(), { header: free, value: 1 });
    expect(header.stalledTicket).toBe(1);
    Bun.sleepSync(20);
    const other = watched(new StallWatch(), { header, value: 1 });
    // A waiter that another process has noted may know only at its own tick.
    expect(other.seconds).toBeLessThan(1.1 - 0.015);
    expect(other.header.stalledSince).toBe(header.stalledSince);
  });

  test("is below 0 when another process noted the waiter long ago", () => {
    const { header } = watched(new StallWatch(), { header: free, value: 1 });
    header.stalledSince -= 1200;
    expect(watched(new StallWatch(), { header, value: 1 }).seconds).toBeLessThan(0);
  });

  test("begins anew with another waiter", () => {
    const { header } = watched(new StallWatch(), { header: free, value: 1 });
    header.stalledSince -= 1200;
    const seats = [{ ticket: 5 }, { ticket: 9 }];
    const other = watched(new StallWatch(), { header, value: 1, seats });
    expect(other.seconds).toBeCloseTo(0.5, 1);
    expect(other.header.stalledTicket).toBe(5);
  });

  test("takes the note away when the waiter cannot have the lock any more", () => {
    const { header } = watched(new StallWatch(), { header: free, value: 1 });
    expect(watched(new StallWatch(), { header, value: 0 }).header.stalledTicket).toBe(0);
  });
});

test("clearStall() takes the note of a waiter that is awake away, and no other one's", () => {
  const { header } = new LedgerImage();
  header.stalledTicket = 7;
  clearStall(header, 8);
  expect(header.stalledTicket).toBe(7);
  clearStall(header, 3 * 2 ** 32 + 7);
  expect(header.stalledTicket).toBe(0);
  // Noted by a process of another time namespace.
  header.stalledTicket = 5 * 2 ** 16 + 7;
  clearStall(header, 7);
  expect(header.stalledTicket).toBe(0);
});
