import { describe, expect, test } from "bun:test";
import { givesUp, WaitGraph } from "../../src/lock/circle.ts";
import type { HolderStatus, KindName, ParticipantStatus } from "../../src/lock/status.ts";

/** Numbers below 100 are processes; 100 + n is one that n has started. */
const parents = ({ pid }: { pid: number | null }) =>
  pid === null ? [] : pid < 100 ? [pid] : [pid, pid - 100];

const waiter = (pid: number | null, kind: KindName = "exclusive"): ParticipantStatus => ({
  pid,
  command: `job ${pid}`,
  since: pid,
  kind,
});
const holder = (
  pid: number | null,
  more: Partial<HolderStatus> & { space?: string } = {},
): HolderStatus => ({
  ...waiter(pid),
  attachment: "attached",
  token: 1,
  slot: null,
  slots: null,
  ...more,
});
const queue = (
  name: string,
  holders: HolderStatus[],
  waiters: (ParticipantStatus & { space?: string })[],
  leaving: number[] = [],
) => ({
  name,
  holders,
  waiters,
  leaving,
});

/** A circle in short: who waits for which lock behind whom. */
const short = (circles: ReturnType<WaitGraph["circles"]>) =>
  circles.map((circle) =>
    circle.map(({ waiter: { pid }, lockName, blocker }) => `${pid} ${lockName} ${blocker.pid}`),
  );

const two = [queue("a", [holder(1)], [waiter(102)]), queue("b", [holder(2)], [waiter(101)])];

describe("WaitGraph.circles()", () => {
  test("finds two jobs, each of which waits inside for the lock of the other", () => {
    expect(short(new WaitGraph(two, parents).circles())).toEqual([["102 a 1", "101 b 2"]]);
  });

  test("finds none in a process that waits for itself, as another part of it may let go", () => {
    const queues = [queue("a", [holder(1)], [waiter(1), waiter(1)])];
    expect(new WaitGraph(queues, parents).circles()).toEqual([]);
  });

  test("finds a circle through one that only waits before another", () => {
    // The reader waits behind the writer alone, and the writer behind another reader.
    const queues = [
      queue("a", [holder(9, { kind: "shared" })], [waiter(5), waiter(101, "shared")]),
      queue("b", [holder(1)], [waiter(109)]),
    ];
    expect(short(new WaitGraph(queues, parents).circles())).toEqual([
      ["5 a 9", "109 b 1", "101 a 5"],
    ]);
  });

  test.each<[string, Parameters<typeof queue>[]]>([
    [
      "a chain",
      [
        ["a", [holder(1)], [waiter(102)]],
        ["b", [holder(2)], [waiter(3)]],
      ],
    ],
    [
      "a waiter at the semaphore, which may have the lock already",
      [["a", [holder(1, { token: 0 })], [waiter(1)]]],
    ],
    ["a hold without a process", [["a", [holder(null, { attachment: "detached" })], [waiter(1)]]]],
    [
      "a holder that died",
      [
        ["a", [holder(1, { attachment: "stale" })], [waiter(102)]],
        ["b", [holder(2)], [waiter(101)]],
      ],
    ],
    [
      "holders that share with a waiter",
      [
        ["a", [holder(1, { kind: "shared" })], [waiter(102, "shared")]],
        ["b", [holder(2)], [waiter(101)]],
      ],
    ],
    [
      "slots, of which another may become free",
      [
        ["a", [holder(1, { kind: "slots" })], [waiter(102, "slots")]],
        ["b", [holder(2)], [waiter(101)]],
      ],
    ],
    [
      "a holder that was asked to leave",
      [
        ["a", [holder(1, { token: 7 })], [waiter(102)], [7]],
        ["b", [holder(2)], [waiter(101)]],
      ],
    ],
    [
      "the same number on another host",
      [
        ["a", [holder(1, { space: "x" })], [{ ...waiter(102), space: "y" }]],
        ["b", [holder(2, { space: "x" })], [{ ...waiter(101), space: "y" }]],
      ],
    ],
  ])("finds none in %s", (_, queues) => {
    const graph = new WaitGraph(
      queues.map((words) => queue(...words)),
      parents,
    );
    expect(graph.circles()).toEqual([]);
  });
});

test("circleThrough() begins with the wait that is asked about", () => {
  const graph = new WaitGraph(two, parents);
  expect(short([graph.circleThrough("b", { pid: 101 }) ?? []])).toEqual([["101 b 2", "102 a 1"]]);
  expect(graph.circleThrough("b", { pid: 102 })).toBeUndefined();
});

test("givesUp() is for the youngest at once, and for the next one eight looks later", () => {
  const circle = new WaitGraph(two, parents).circleThrough("a", { pid: 102 }) ?? [];
  const looks = (pid: number) => [1, 2, 8, 9].map((count) => givesUp(circle, { pid }, count));
  expect(looks(102)).toEqual([true, true, true, true]);
  expect(looks(101)).toEqual([false, false, false, true]);
  expect(looks(7)).toEqual([false, false, false, false]);
});
