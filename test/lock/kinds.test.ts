import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nearestBlocker, type QueueEntry } from "../../src/lock/kinds.ts";

const exclusive: QueueEntry = { kind: "exclusive", slots: 0 };
const shared: QueueEntry = { kind: "shared", slots: 0 };
const slots = (count: number): QueueEntry => ({ kind: "slots", slots: count });

describe("nearestBlocker()", () => {
  const cases: [string, QueueEntry, QueueEntry[], number][] = [
    ["grants anything when nobody is before it", exclusive, [], -1],
    ["makes exclusive wait for the nearest of all kinds", exclusive, [exclusive, shared], 1],
    ["grants shared beside shared and slots", shared, [shared, slots(1)], -1],
    ["makes shared wait for the nearest exclusive", shared, [exclusive, exclusive, shared], 1],
    ["grants slots 2 beside one of slots", slots(2), [slots(2)], -1],
    ["makes slots 2 wait behind two", slots(2), [slots(2), slots(2)], 1],
    ["makes slots wait for the nearest exclusive first", slots(1), [exclusive, slots(1)], 0],
    ["does not count shared among the slots", slots(1), [shared, shared], -1],
    ["keeps slots 5 behind an earlier slots 1", slots(5), [slots(1)], 0],
    ["keeps slots 3 behind a slots 1 that waits", slots(3), [slots(3), slots(1)], 1],
    ["keeps slots 1 behind one of slots 5", slots(1), [slots(5)], 0],
  ];
  for (const [name, own, before, expected] of cases) {
    test(name, () => {
      expect(nearestBlocker(own, before)).toBe(expected);
    });
  }
});

const entry = fc.oneof(
  fc.constant(exclusive),
  fc.constant(shared),
  fc.integer({ min: 1, max: 4 }).map(slots),
);

test("nearestBlocker() never blocks again when somebody before leaves", () => {
  const queue = fc.array(entry, { maxLength: 8 });
  fc.assert(
    fc.property(entry, queue, fc.nat(), (own, before, leaver) => {
      if (nearestBlocker(own, before) !== -1) return true;
      return nearestBlocker(own, before.toSpliced(leaver % (before.length || 1), 1)) === -1;
    }),
  );
});

test("nearestBlocker() lets in together only those whose kinds allow it, whoever leaves when", () => {
  const steps = fc.array(fc.oneof(entry, fc.nat({ max: 20 })), { maxLength: 30 });
  fc.assert(
    fc.property(steps, (events) => {
      let queue: { entry: QueueEntry; holds: boolean }[] = [];
      for (const event of events) {
        if (typeof event === "object") queue.push({ entry: event, holds: false });
        else queue = queue.toSpliced(event % (queue.length || 1), 1);
        queue.forEach((each, index) => {
          const before = queue.slice(0, index).map(({ entry: other }) => other);
          each.holds ||= nearestBlocker(each.entry, before) === -1;
        });
        const inside = queue.filter(({ holds }) => holds).map(({ entry: holder }) => holder);
        const inSlots = inside.filter(({ kind }) => kind === "slots");
        if (inside.includes(exclusive) && inside.length > 1) return false;
        if (inSlots.some((holder) => inSlots.length > holder.slots)) return false;
        // The first of a queue is never kept waiting.
        if (queue[0] !== undefined && !queue[0].holds) return false;
      }
      return true;
    }),
  );
});
