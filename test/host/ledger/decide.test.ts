/** A test for each row of the table in decide.ts. */
import { describe, expect, test } from "bun:test";
import { decide } from "../../../src/host/ledger/decide.ts";
import { lockStates, seatStates } from "../../../src/host/ledger/layout.ts";
import { hashOf } from "../../../src/host/objects/unit.ts";
import { kinds } from "../../../src/host/ledger/queue.ts";
import { kindFlags } from "../../../src/host/ledger/seat-words.ts";
import { markOf, waiterMarkOf } from "../../../src/host/ledger/record.ts";
import { noStamp } from "../../../src/host/ledger/stamp.ts";
import { monotonicSeconds } from "../../../src/posix/clock.ts";
import { processStart } from "../../../src/posix/process-start.ts";
import { type FakeView, viewOf } from "./fake.ts";

const semaphoreId = 7;
const grantedAt = 1_700_000_000e6;
const own = (isDated: boolean) => ({ isDated, digits: "20.000000" });
const others = (isDated: boolean) => ({ isDated, digits: "20.000001" });
const held = {
  state: lockStates.held,
  semaphore: semaphoreId,
  holderHash: 1,
  notedHash: 2,
  grants: 5,
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

  test.each([
    ["is another grant's", 9, others(true)],
    ["was set over another grant's", 9, others(false)],
    ["is one that this program has set, but over another grant's", 1, others(false)],
    ["is the noted one again, set over another grant's", 2, others(false)],
  ])("evicts the holders when the text %s", (_, textHash, stamp) => {
    const step = stepOf({ header: held, seats, textHash, stamp });
    expect(step).toEqual({ row: 1, act: "evict the holders" });
  });

  test("asks for the semaphore before the text", () => {
    expect(askedFor({ header: held, seats })).toEqual(["semaphore", "text"]);
  });
});

describe("decide() row 2: a group holds", () => {
  const seats = [{ kind: kinds.shared }, living];
  const pending = markOf(held.grants - 1);
  test.each([
    ["that of its first holder", 1, own(true), 0],
    [
      "one that a peer has given a date of its own to, in the holder's microsecond",
      9,
      own(true),
      0,
    ],
    ["one that was only set", 9, own(false), 0],
    ["one that was only set, and hides the date", 9, noStamp, 0],
    [
      "the noted one, as the first holder died before it could write its own",
      2,
      others(false),
      pending,
    ],
  ])("joins it when the text is %s", (_, textHash, stamp, mark) => {
    const step = stepOf({ header: held, seats, textHash, stamp, mark });
    expect(step).toEqual({ row: 2, act: "join" });
  });

  test("drains the unit of a recreated semaphore first", () => {
    const step = stepOf({ header: { ...held, semaphore: 8 }, seats, value: 1 });
    expect(step).toEqual({ row: 2, act: "drain" });
  });
});

describe("decide() row 3: the holder died", () => {
  const seats = [{}, dead];
  const recorded = { ...held, holderSeat: 2, token: 4 };
  test("adopts the unit", () => {
    expect(stepOf({ header: held, seats })).toEqual({ row: 3, act: "adopt", textHash: 1 });
  });

  test("does not adopt when the request says so", () => {
    expect(stepOf({ header: held, seats, adopts: false })).toEqual({
      row: 3,
      act: "leave it to one who adopts",
    });
  });

  test("takes over from one that ended by a release, also when the request does not adopt", () => {
    const ended = Object.assign({}, dead, { token: 4, kind: kindFlags.endsByRelease });
    expect(stepOf({ header: recorded, seats: [{}, ended], adopts: false })).toEqual({
      row: 3,
      act: "adopt",
      textHash: 1,
    });
  });

  test("does not adopt when another one of the group died, and the request says so", () => {
    const kind = kinds.shared;
    const ended = Object.assign({}, dead, { token: 4, kind: kind + kindFlags.endsByRelease });
    const other = Object.assign({}, dead, { token: 3, kind });
    expect(stepOf({ header: recorded, seats: [{}, ended, other], adopts: false })).toEqual({
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

const blank = hashOf(new Uint8Array());

describe("decide() row 5: free, locked, marked, and the text as noted", () => {
  const header = { state: lockStates.free, notedHash: 4, grants: 5 };
  const view = { header, textHash: 4, mark: markOf(5) };
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

  test("adopts in a segment that is new, as the one before it was deleted", () => {
    const step = stepOf({ ...view, textHash: blank, header: missing(1.1, 0.2) });
    expect(step).toEqual({ row: 5, act: "adopt", textHash: blank });
  });

  test("begins anew when nobody saw it missing for a while", () => {
    const step = stepOf({ ...view, header: missing(5, 2) });
    expect(step).toMatchObject({ row: 5, seconds: 1 });
  });

  test("adopts what a waiter left that had got it and was killed", () => {
    const waiterMark = waiterMarkOf(5, 3);
    const step = stepOf({ ...view, mark: 0, waiterMark, header: missing(1.1, 0.2) });
    expect(step).toEqual({ row: 5, act: "adopt", textHash: 4 });
  });

  test("adopts it also where the record still says detached, after the grace time", () => {
    const waiterMark = waiterMarkOf(5, 3);
    const { detached: state } = lockStates;
    const early = { ...view, mark: 0, waiterMark, header: { ...missing(0.5, 0.2), state } };
    expect(stepOf(early)).toMatchObject({ row: 5, act: "wait for the grace time" });
    const late = { ...early, header: { ...missing(1.1, 0.2), state } };
    expect(stepOf(late)).toEqual({ row: 5, act: "adopt", textHash: 4 });
  });

  test("believes the seats of a program that leaves no marks", () => {
    const seats = [{}, { ticket: 0, flags: 1 }];
    const step = stepOf({ ...view, mark: 0, seats, header: missing(1.1, 0.2) });
    expect(step).toMatchObject({ row: 5, act: "adopt" });
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

  test.each([
    ["that of a new segment", blank, noStamp],
    ["one that was set over the hold's", 9, own(false)],
  ])("adopts then when the text is %s", (_, textHash, stamp) => {
    const bound = { ...header, grantedAt, boundProcess: process.pid, boundStart: 1 };
    const step = stepOf({ header: bound, textHash, stamp });
    expect(step).toEqual({ row: 6, act: "adopt", textHash });
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

describe("decide() row 7: locked, and somebody else has the unit", () => {
  test.each([
    ["there is no mark, as a peer has set the noted text again", 0],
    ["the marks are those of an earlier grant", markOf(4)],
  ])("waits when %s", (_, mark) => {
    const header = { state: lockStates.free, notedHash: 4, grants: 5 };
    const waiterMark = mark === 0 ? 0 : waiterMarkOf(4, 3);
    const step = stepOf({ header, textHash: 4, mark, waiterMark });
    expect(step).toEqual({ row: 7, act: "wait", isExplained: true });
  });

  test.each([
    ["free, and the new segment has no mark", { state: lockStates.free }, 0, noStamp],
    [
      "free, and the empty text was set over a peer's",
      { state: lockStates.free },
      markOf(5),
      others(false),
    ],
    [
      "detached, and the empty text was set over a peer's",
      { state: lockStates.detached, boundProcess: 1 },
      0,
      others(false),
    ],
  ])("waits when it is %s", (_, record, mark, stamp) => {
    const header = { ...record, notedHash: 4, grants: 5, grantedAt };
    const step = stepOf({ header, textHash: blank, mark, stamp });
    expect(step).toEqual({ row: 7, act: "wait", isExplained: true });
  });

  test("waits when it was detached and a text that hides its date was set", () => {
    const header = { state: lockStates.detached, notedHash: 4, grantedAt, boundProcess: 1 };
    expect(stepOf({ header, textHash: 9 })).toMatchObject({ row: 7, isExplained: true });
  });

  test("waits when it was detached and a peer set the noted text again after its own", () => {
    const header = { state: lockStates.detached, notedHash: 4, grantedAt, boundProcess: 1 };
    const step = stepOf({ header, textHash: 4, stamp: others(false) });
    expect(step).toEqual({ row: 7, act: "wait", isExplained: true });
  });

  test.each([lockStates.free, lockStates.detached])("waits (record %d)", (state) => {
    const step = stepOf({ header: { state, notedHash: 4 }, textHash: 5 });
    expect(step).toEqual({ row: 7, act: "wait", isExplained: true });
  });
});
