/** A test for each row of the table in decide.ts. */
import { describe, expect, test } from "bun:test";
import { decide } from "../../../src/host/ledger/decide.ts";
import { lockStates, seatStates } from "../../../src/host/ledger/layout.ts";
import { kinds } from "../../../src/host/ledger/queue.ts";
import { formatLockInfo } from "../../../src/lock/info-text.ts";
import { monotonicSeconds } from "../../../src/posix/clock.ts";
import { processStart } from "../../../src/posix/process-start.ts";
import { type FakeView, viewOf } from "./fake.ts";

const semaphoreId = 7;
const grantedAt = 1_700_000_000e6;
const textAt = (seconds: number) => formatLockInfo("somebody", { seconds, microseconds: 0 });
const held = {
  state: lockStates.held,
  semaphore: semaphoreId,
  holderHash: 1,
  notedHash: 2,
  grantedAt,
};
const living = { state: seatStates.holding, kind: kinds.shared };
const dead = { ...living, isAlive: false };
const stepOf = (view: FakeView) => decide(viewOf({ semaphoreId, ...view }).view);
const askedFor = (view: FakeView) => {
  const { view: asking, asked } = viewOf({ semaphoreId, ...view });
  decide(asking);
  return asked;
};

describe("decide() row 0: the unit was got by waiting for the semaphore", () => {
  test.each([lockStates.free, lockStates.held, lockStates.detached])(
    "records it whatever the record says (%d)",
    (state) => {
      expect(stepOf({ tookUnitUnrecorded: true, header: { ...held, state } })).toEqual({
        row: 0,
        act: "record the unit",
      });
    },
  );
});

describe("decide() row 1: a peer forced the lock", () => {
  const seats = [{}, living];
  test("evicts the holders when the semaphore was posted", () => {
    expect(stepOf({ header: held, seats, value: 1 })).toEqual({ row: 1, act: "evict the holders" });
  });

  test("evicts the holders when the text is that of a later grant", () => {
    const text = textAt(grantedAt / 1e6 + 1);
    const step = stepOf({ header: held, seats, textHash: 9, text });
    expect(step).toEqual({ row: 1, act: "evict the holders" });
  });

  test("asks for the semaphore before the text", () => {
    expect(askedFor({ header: held, seats })).toEqual(["semaphore", "text"]);
  });
});

describe("decide() row 2: a group holds", () => {
  const seats = [{ kind: kinds.shared }, living];
  test.each([
    ["that of its first holder", 1, ""],
    ["the noted one, as the first holder has not written its own yet", 2, ""],
    ["one that was only set", 9, "no date"],
    ["that of an earlier grant", 9, textAt(grantedAt / 1e6 - 1)],
  ])("joins it when the text is %s", (_, textHash, text) => {
    expect(stepOf({ header: held, seats, textHash, text })).toEqual({ row: 2, act: "join" });
  });

  test("drains the unit of a recreated semaphore first", () => {
    const step = stepOf({ header: { ...held, semaphore: 8 }, seats, value: 1 });
    expect(step).toEqual({ row: 2, act: "drain" });
  });
});

describe("decide() row 3: the holder died", () => {
  const seats = [{}, dead];
  test("adopts the unit", () => {
    expect(stepOf({ header: held, seats })).toEqual({ row: 3, act: "adopt", textHash: 1 });
  });

  test("does not adopt when the request says so", () => {
    expect(stepOf({ header: held, seats, adopts: false })).toEqual({
      row: 3,
      act: "leave it to one who adopts",
    });
  });

  test("waits when a seat was overwritten, as it may be the holder's", () => {
    expect(stepOf({ header: held, seats, overwrittenSeat: 5 })).toEqual({
      row: 3,
      act: "wait",
      isExplained: false,
    });
  });

  test("drains the unit of a recreated semaphore first", () => {
    const step = stepOf({ header: { ...held, semaphore: 8 }, seats, value: 1 });
    expect(step).toEqual({ row: 3, act: "drain" });
  });
});

describe("decide() row 4: there is a unit", () => {
  test.each([lockStates.free, lockStates.detached])("takes it (record %d)", (state) => {
    const step = stepOf({ header: { state }, value: 1, textHash: 5 });
    expect(step).toEqual({ row: 4, act: "take", textHash: 5 });
  });

  test("asks for the text before the semaphore", () => {
    expect(askedFor({ header: { state: lockStates.free }, value: 1 })).toEqual([
      "text",
      "semaphore",
    ]);
  });
});

describe("decide() row 5: free, locked, and the text as noted", () => {
  const header = { state: lockStates.free, notedHash: 4 };
  const view = { header, textHash: 4 };
  test("waits for the grace time", () => {
    const step = stepOf(view);
    expect(step).toEqual({ row: 5, act: "wait for the grace time", seconds: 1 });
  });

  const missing = (sinceSeconds: number, seenSeconds: number) => ({
    ...header,
    missingSince: Math.floor((monotonicSeconds() - sinceSeconds) * 1e6),
    missingSeen: Math.floor((monotonicSeconds() - seenSeconds) * 1e6),
  });

  test("adopts when the grace time is over", () => {
    const step = stepOf({ ...view, header: missing(1.1, 0.2) });
    expect(step).toEqual({ row: 5, act: "adopt", textHash: 4 });
  });

  test("begins anew when nobody saw it missing for a while", () => {
    const step = stepOf({ ...view, header: missing(5, 2) });
    expect(step).toMatchObject({ row: 5, seconds: 1 });
  });

  test("leaves it to one who adopts", () => {
    const step = stepOf({ ...view, header: missing(1.1, 0.2), adopts: false });
    expect(step).toEqual({ row: 5, act: "leave it to one who adopts" });
  });

  test("waits when somebody else is at the semaphore, who may have got the unit", () => {
    const seats = [{}, { state: seatStates.atSemaphore }];
    expect(stepOf({ ...view, seats })).toEqual({ row: 7, act: "wait", isExplained: false });
  });
});

describe("decide() row 6: detached, locked, and the text as noted", () => {
  const header = { state: lockStates.detached, notedHash: 4 };
  test("adopts when the process that it is bound to is dead", () => {
    const bound = { ...header, boundProcess: process.pid, boundStart: 1 };
    expect(stepOf({ header: bound, textHash: 4 })).toEqual({ row: 6, act: "adopt", textHash: 4 });
  });

  test("waits when the process that it is bound to lives", () => {
    const boundStart = processStart(process.pid) ?? 0;
    const bound = { ...header, boundProcess: process.pid, boundStart };
    expect(stepOf({ header: bound, textHash: 4 })).toMatchObject({ row: 6, act: "wait" });
  });

  test("waits when it is bound to nobody", () => {
    expect(stepOf({ header, textHash: 4 })).toMatchObject({ row: 6, act: "wait" });
  });
});

describe("decide() row 7: locked, and the text is another one", () => {
  test.each([lockStates.free, lockStates.detached])("waits (record %d)", (state) => {
    const step = stepOf({ header: { state, notedHash: 4 }, textHash: 5 });
    expect(step).toEqual({ row: 7, act: "wait", isExplained: true });
  });
});
