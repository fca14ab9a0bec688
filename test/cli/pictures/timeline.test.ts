import { expect, test } from "bun:test";
import type { State } from "../../../src/cli/status/existing.ts";
import { LockTimeline, maxCells, pastOf } from "../../../src/cli/pictures/timeline.ts";
import type {
  GrantRecord,
  HolderStatus,
  LockStatus,
  ParticipantStatus,
} from "../../../src/index.ts";

const holder: HolderStatus = {
  pid: 4242,
  command: "make",
  since: 990,
  kind: "exclusive",
  attachment: "attached",
  token: 1,
  slot: null,
  slots: null,
};
const waiter: ParticipantStatus = { pid: 4250, command: "tar", since: 997, kind: "exclusive" };

/** A lock that is held by these; by none it is free. */
function stateWith(status: Partial<LockStatus>, parts: Partial<State> = {}): State {
  const holders = status.holders ?? [];
  return {
    name: "x",
    json: {},
    exists: true,
    locked: holders.length > 0,
    info: null,
    status: { holders: [], waiters: [], grants: 0, recoveries: 0, ...status },
    ...parts,
  };
}

/** The timeline of looks a second apart, the first one at 1000 seconds since 1970. */
function timelineOf(...states: State[]): LockTimeline {
  const timeline = new LockTimeline("x");
  for (const [index, state] of states.entries()) timeline.add(state, index, 1000 + index);
  return timeline;
}

test("a cell tells what the look saw", () => {
  const stale = { ...holder, attachment: "stale" } as const;
  const { cells } = timelineOf(
    stateWith({}, { exists: false }),
    stateWith({}),
    stateWith({ holders: [holder] }),
    stateWith({ holders: [holder], waiters: [waiter, waiter] }),
    stateWith({ holders: [stale], waiters: [waiter] }),
    stateWith({ waiters: [waiter] }),
    // Its semaphore was deleted.
    stateWith({ holders: [holder] }, { exists: false }),
  ).row;
  expect(cells.map(({ kind, waiters }) => [kind, waiters])).toEqual([
    ["missing", 0],
    ["free", 0],
    ["held", 0],
    ["contended", 2],
    ["stale", 1],
    ["free", 1],
    ["held", 0],
  ]);
});

test("a free lock that was granted since the look before was held in between", () => {
  const { cells } = timelineOf(
    stateWith({ grants: 7 }),
    stateWith({ grants: 7 }),
    stateWith({ grants: 9 }),
    stateWith({ grants: 9 }),
    // The ledger was made anew, and granted once since.
    stateWith({ grants: 1 }),
  ).row;
  expect(cells.map(({ kind }) => kind)).toEqual(["free", "free", "briefly", "free", "briefly"]);
});

test("a row tells who holds, for how long, who waits and the longest wait that was seen", () => {
  const timeline = timelineOf(stateWith({ holders: [holder], waiters: [waiter] }));
  expect(timeline.row).toMatchObject({
    name: "x",
    holders: [holder],
    holdSeconds: 10,
    waiters: 1,
    longestWaitSeconds: 3,
  });
  timeline.add(stateWith({}), 1, 1001);
  expect(timeline.row).toMatchObject({
    holders: [],
    holdSeconds: null,
    waiters: 0,
    longestWaitSeconds: 3,
  });
});

test("a holder of whom nobody knows since when has no time", () => {
  const foreign = { ...holder, attachment: "foreign", since: null } as const;
  expect(timelineOf(stateWith({ holders: [foreign] })).row.holdSeconds).toBeNull();
});

test("grants are counted for a minute", () => {
  const timeline = new LockTimeline("x");
  const rates = [0, 0.4, 0.8, 30, 61, 100].map((seconds, index) => {
    timeline.add(stateWith({ grants: 5 + index }), seconds, 1000 + seconds);
    return timeline.row.grantsPerMinute;
  });
  expect(rates).toEqual([0, 1, 2, 3, 2, 2]);
});

test("a timeline forgets what no terminal has room for, and knows when nobody looked", () => {
  const timeline = timelineOf(...Array.from({ length: maxCells + 1 }, () => stateWith({})));
  timeline.addGap();
  const { cells } = timeline.row;
  expect(cells).toHaveLength(maxCells);
  expect(cells.at(-1)?.kind).toBe("unseen");
});

const past = { pid: 1, command: "a", kind: "exclusive", slot: null, token: 1 } as const;

test("pastOf() tells from the history what earlier looks would have seen", () => {
  const records: GrantRecord[] = [
    { ...past, queued: 10, granted: 10, ended: 15, ending: "released" },
    { ...past, queued: 12, granted: 15, ended: null, ending: "held" },
    { ...past, queued: 13, granted: null, ended: 17, ending: "lapsed" },
  ];
  const { cells } = pastOf(records, [9, 10, 12, 14, 16, 18, 30], 5, 20);
  expect(cells.map(({ kind, waiters }) => `${kind} ${waiters}`)).toEqual([
    "unseen 0",
    "held 0",
    "contended 1",
    "contended 2",
    "contended 1",
    "held 0",
    "free 0",
  ]);
});

test("pastOf() tells of a hold whose holder died that it is stale, as the looks that follow do", () => {
  const records: GrantRecord[] = [
    { ...past, queued: 10, granted: 10, ended: null, ending: "stale" },
  ];
  const { cells } = pastOf(records, [10, 19], 5, 20);
  expect(cells.map(({ kind }) => kind)).toEqual(["stale", "stale"]);
});

test("pastOf() counts the grants of the last minute and the longest wait within the picture", () => {
  const records: GrantRecord[] = [
    { ...past, queued: 900, granted: 930, ended: 935, ending: "released" },
    { ...past, queued: 950, granted: 951, ended: 960, ending: "released" },
    { ...past, queued: 955, granted: 960, ended: 970, ending: "released" },
    { ...past, queued: 965, granted: null, ended: 974, ending: "lapsed" },
  ];
  const known = pastOf(records, [940, 970], 500, 1000);
  expect(known.longestWaitSeconds).toBe(9);
  expect(known.grantSeconds).toEqual([451, 460]);
  const timeline = new LockTimeline("x", known);
  timeline.add(stateWith({ grants: 3 }), 500, 1000);
  timeline.add(stateWith({ grants: 4 }), 505, 1005);
  expect(timeline.row).toMatchObject({ grantsPerMinute: 3, longestWaitSeconds: 9 });
  timeline.add(stateWith({ grants: 4 }), 512, 1012);
  expect(timeline.row.grantsPerMinute).toBe(2);
});

test("pastOf() knows nothing of a lock without a history", () => {
  const { cells, ...counts } = pastOf([], [1, 2], 5, 3);
  expect(cells.map(({ kind }) => kind)).toEqual(["unseen", "unseen"]);
  expect(counts).toEqual({ grantSeconds: [], longestWaitSeconds: 0 });
});
