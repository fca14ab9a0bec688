import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { seatStates } from "../../../src/host/ledger/layout.ts";
import { evictions } from "../../../src/host/ledger/seat-words.ts";
import {
  evictedAtSemaphore,
  firstWaiter,
  freeSlot,
  holders,
  kindNames,
  kinds,
  nearestBefore,
  otherHolder,
  seatAtSemaphore,
  waiters,
} from "../../../src/host/ledger/queue.ts";
import { nearestBlocker } from "../../../src/lock/kinds.ts";
import { type FakeSeat, ledgerOf } from "./fake.ts";

const holding = { state: seatStates.holding };
const atSemaphore = { state: seatStates.atSemaphore };
const evicted = { evicted: evictions.evicted };
const dead = { isAlive: false };
const left = { ticket: 0, state: seatStates.released };
const shared = { kind: kinds.shared };
const slots = (count: number): FakeSeat => ({ kind: kinds.slots, slots: count });

describe("nearestBefore()", () => {
  const cases: [string, FakeSeat[], ReturnType<typeof nearestBefore>][] = [
    ["the first of all has nobody before it", [{}], undefined],
    ["exclusive waits for the nearest one", [holding, {}, {}], { seat: 2, ofGroup: false }],
    [
      "exclusive waits for a shared one",
      [{ ...holding, ...shared }, {}],
      { seat: 1, ofGroup: false },
    ],
    ["exclusive does not wait for the dead", [{ ...holding, ...dead }, dead, {}], undefined],
    ["exclusive does not wait for the evicted", [{ ...holding, ...evicted }, {}], undefined],
    ["exclusive does not wait for who left", [left, {}], undefined],
    ["shared waits for an exclusive one", [{}, shared, shared], { seat: 1, ofGroup: false }],
    ["shared does not wait for shared ones", [{ ...holding, ...shared }, shared], undefined],
    ["shared does not wait for slots", [{ ...holding, ...slots(1) }, shared], undefined],
    ["slots waits for an exclusive one", [holding, slots(9)], { seat: 1, ofGroup: false }],
    ["slots has a place where fewer came", [{ ...holding, ...slots(2) }, slots(2)], undefined],
    [
      "slots waits for the newest waiter of a full house",
      [{ ...holding, ...slots(1) }, slots(1), slots(1)],
      { seat: 2, ofGroup: true },
    ],
    [
      "slots waits for the newest holder where nobody waits",
      [{ ...holding, ...slots(2) }, { ...holding, ...slots(2) }, slots(2)],
      { seat: 2, ofGroup: false },
    ],
    ["slots does not count the dead", [{ ...holding, ...slots(1), ...dead }, slots(1)], undefined],
  ];
  test.each(cases)("%s", (_, seats, expected) => {
    expect(nearestBefore(ledgerOf(seats), seats.length)).toEqual(expected);
  });

  test("goes by the ticket and not by the seat", () => {
    const ledger = ledgerOf([{ ticket: 30 }, { ticket: 10 }, { ticket: 20 }]);
    expect(nearestBefore(ledger, 1)?.seat).toBe(3);
    expect(nearestBefore(ledger, 3)?.seat).toBe(2);
    expect(nearestBefore(ledger, 2)).toBeUndefined();
  });

  test("counts a holder whose ticket is a multiple of 2^32", () => {
    const ledger = ledgerOf([{ ticket: 2 ** 32, ...holding }, { ticket: 2 ** 32 + 1 }]);
    expect(nearestBefore(ledger, 2)?.seat).toBe(1);
    expect(holders(ledger)).toEqual([1]);
  });
});

describe("the seats of a ledger", () => {
  const ledger = ledgerOf([
    { ...holding, ...dead },
    holding,
    { ...holding, ...evicted },
    { ticket: 9 },
    { ticket: 8, ...evicted },
    { ticket: 7, ...atSemaphore },
    { ticket: 6, ...atSemaphore, ...evicted },
    { ticket: 5, ...dead },
    left,
  ]);

  test("holders() are alive and not evicted", () => {
    expect(holders(ledger)).toEqual([2]);
    expect(otherHolder(ledger, 4)).toBe(2);
    expect(otherHolder(ledger, 2)).toBe(0);
  });

  test("waiters() are in the order of their tickets", () => {
    expect(waiters(ledger)).toEqual([6, 4]);
  });

  test("firstWaiter() is the first one but for who asks", () => {
    expect(firstWaiter(ledger, 2)).toBe(6);
    expect(firstWaiter(ledger, 6)).toBe(4);
  });

  test("seatAtSemaphore() and evictedAtSemaphore() tell apart who was evicted there", () => {
    expect(seatAtSemaphore(ledger, 2)).toBe(6);
    expect(seatAtSemaphore(ledger, 6)).toBe(0);
    expect(evictedAtSemaphore(ledger)).toEqual([7]);
  });
});

test("freeSlot() is the lowest number that no living holder has", () => {
  const ledger = ledgerOf([
    { ...holding, ...slots(4), slot: 0 },
    { ...holding, ...slots(4), slot: 2 },
    { ...holding, ...slots(4), slot: 1, ...dead },
    slots(4),
  ]);
  expect(freeSlot(ledger, 4)).toBe(1);
  expect(freeSlot(ledger, 1)).toBe(0);
});

test("nearestBefore() lets in whom the rule of lock/kinds.ts lets in", () => {
  const entry = fc.record({
    kind: fc.constantFrom(kinds.exclusive, kinds.shared, kinds.slots),
    slots: fc.integer({ min: 1, max: 4 }),
    isHolding: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 8 }), (entries) => {
      const seats = entries.map(({ kind, slots: count, isHolding }) => ({
        kind,
        slots: kind === kinds.slots ? count : 0,
        state: isHolding ? seatStates.holding : seatStates.waiting,
      }));
      const queue = seats.map(({ kind, slots: count }) => ({
        kind: kindNames[kind],
        slots: count,
      }));
      const [own, ...before] = queue.toReversed();
      if (own === undefined) return;
      const blocker = nearestBlocker(own, before.toReversed());
      const found = nearestBefore(ledgerOf(seats), seats.length);
      expect(found === undefined).toBe(blocker === -1);
      // Seats and entries of slots differ in whom of them to wait for, all others not.
      if (found !== undefined && own.kind !== "slots") expect(found.seat - 1).toBe(blocker);
    }),
  );
});
