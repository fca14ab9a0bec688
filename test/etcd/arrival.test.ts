/** Whom a newer request sends away, as the older ones see it in the queue. */
import { expect, test } from "bun:test";
import { refusalInQueue, refusalOnArrival, replacerOf } from "../../src/etcd/arrival.ts";
import { type EntryValue, formatEntry } from "../../src/etcd/entry.ts";
import { QueueView } from "../../src/etcd/queue-view.ts";

/** A queue, the oldest first; a place that has `granted` holds. The key of each is its place, from 1. */
function viewOf(...values: Partial<EntryValue>[]): QueueView {
  const view = new QueueView();
  const kvs = values.map((value, index) => ({
    key: String(index + 1),
    value: formatEntry({
      kind: "exclusive",
      slots: 0,
      host: "h",
      user: "u",
      pid: index + 1,
      message: "job",
      since: 1,
      ...value,
    }),
    createRevision: index + 1,
    modRevision: index + 1,
    version: 1,
    lease: "1",
  }));
  view.load(kvs, 100);
  return view;
}

const holds = { granted: 2 };
const newest = { newest: true };
const replace = { newest: true, replace: true };
const exclusive = { kind: "exclusive", slots: 0 } as const;
const slots = { kind: "slots", slots: 2 } as const;

/** Which places leave the queue, and for which process. */
const leaving = (view: QueueView) =>
  view.waiters.flatMap((entry) => {
    const [newer] = refusalInQueue(view, entry)?.by ?? [];
    return newer === undefined ? [] : [`${entry.key} for ${newer.pid}`];
  });

test("refusalInQueue() leaves the queue to the last one that says so, too", () => {
  expect(leaving(viewOf(holds, newest, {}, newest, replace))).toEqual(["2 for 5", "4 for 5"]);
  expect(leaving(viewOf(holds, newest, {}))).toEqual([]);
  expect(leaving(viewOf({ ...holds, ...newest }, newest))).toEqual([]);
});

test("refusalOnArrival() is crowded by those who wait, without those that are superseded", () => {
  const view = viewOf(holds, newest, {});
  const arrival = { maxWaiters: 2, isAnotherTry: false };
  expect(refusalOnArrival(view, exclusive, arrival)?.reason).toBe("crowded");
  expect(refusalOnArrival(view, exclusive, { ...arrival, ...newest })).toBeUndefined();
  expect(refusalOnArrival(view, exclusive, { ...arrival, maxWaiters: 3 })).toBeUndefined();
  const free = viewOf({ ...holds, ...slots });
  expect(refusalOnArrival(free, slots, { maxWaiters: 0, isAnotherTry: false })).toBeUndefined();
});

test("refusalOnArrival() of one that lost its place is superseded by who came meanwhile", () => {
  const arrival = { ...newest, isAnotherTry: true };
  expect(refusalOnArrival(viewOf(holds, newest), exclusive, arrival)?.reason).toBe("superseded");
  expect(refusalOnArrival(viewOf(holds, {}), exclusive, arrival)).toBeUndefined();
});

test.each<[string, QueueView, string, number | undefined]>([
  ["one that agreed", viewOf({ ...holds, ...replace }, replace), "1", 2],
  ["one that did not", viewOf({ ...holds, ...newest }, replace), "1", undefined],
  ["one that nobody wants to replace", viewOf({ ...holds, ...replace }, newest), "1", undefined],
  [
    "the first of slots",
    viewOf(
      { ...holds, ...slots, ...replace },
      { ...holds, ...slots, ...replace },
      { ...slots, ...replace },
    ),
    "1",
    3,
  ],
  [
    "the second of slots",
    viewOf(
      { ...holds, ...slots, ...replace },
      { ...holds, ...slots, ...replace },
      { ...slots, ...replace },
    ),
    "2",
    undefined,
  ],
  [
    "a slot, while another is free",
    viewOf({ ...holds, ...slots, ...replace }, { ...slots, ...replace }),
    "1",
    undefined,
  ],
  ["one that is gone", viewOf({ ...holds, ...replace }, replace), "7", undefined],
])("replacerOf() %s", (_, view, key, pid) => {
  expect(replacerOf(view, key)?.value?.pid).toBe(pid);
});
