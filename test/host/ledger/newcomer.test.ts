/** Whom a newcomer sends away, and whom it asks to leave. */
import { expect, test } from "bun:test";
import { seatStates } from "../../../src/host/ledger/layout.ts";
import {
  isCrowded,
  newcomerOf,
  replaceableHolders,
  yieldingWaiters,
} from "../../../src/host/ledger/newcomer.ts";
import { kinds } from "../../../src/host/ledger/queue.ts";
import { evictedBy, evictions, kindFlags } from "../../../src/host/ledger/seat-words.ts";
import { type FakeSeat, ledgerOf } from "./fake.ts";

const { newest, replace, askedToLeave } = kindFlags;
const holding = { state: seatStates.holding };
const own: FakeSeat = { kind: newest };

test.each<[string, FakeSeat, boolean]>([
  ["one that says so too", { kind: newest }, true],
  ["one of slots that says so too", { kind: kinds.slots + newest }, true],
  ["one at the semaphore", { kind: newest, state: seatStates.atSemaphore }, true],
  ["one that is stopped and was evicted", { kind: newest, evicted: evictions.evicted }, true],
  ["one that does not say so", {}, false],
  ["one that holds", { ...holding, kind: newest }, false],
  ["one that died", { kind: newest, isAlive: false }, false],
  ["one that was superseded already", { kind: newest + askedToLeave }, false],
])("yieldingWaiters() of %s", (_, other, yields) => {
  expect(yieldingWaiters(ledgerOf([own, other]), 1)).toEqual(yields ? [2] : []);
});

test("isCrowded() counts the living others that wait, and not those that are superseded", () => {
  const seats = [own, {}, { ...holding }, { isAlive: false }, { kind: newest }];
  const queue = { ledger: ledgerOf(seats), seat: 1 };
  expect(isCrowded(queue, false, 2)).toBe(true);
  expect(isCrowded(queue, false, 3)).toBe(false);
  expect(isCrowded(queue, true, 2)).toBe(false);
  expect(isCrowded(queue, true, 1)).toBe(true);
  expect(isCrowded({ ledger: ledgerOf([own]), seat: 1 }, false, 0)).toBe(true);
});

const asked = { kind: replace + askedToLeave, evicted: evictedBy(evictions.none, 7) };
const inGroup = { ...holding, kind: kinds.shared + replace };
const inSlot = { ...holding, kind: kinds.slots + replace, slots: 2 };
test.each<[string, number, FakeSeat[], number[]]>([
  ["that agreed", kinds.exclusive, [{ ...holding, kind: replace }], [2]],
  ["that did not", kinds.exclusive, [{ ...holding, kind: newest }], []],
  ["that was asked already", kinds.exclusive, [{ ...holding, ...asked }], []],
  ["that lost the lock by force", kinds.exclusive, [{ ...holding, kind: replace, evicted: 1 }], []],
  ["that waits", kinds.exclusive, [{ kind: replace }], []],
  ["that died", kinds.exclusive, [{ ...holding, kind: replace, isAlive: false }], []],
  ["of shared, all of them", kinds.exclusive, [inGroup, inGroup], [2, 3]],
  ["of shared, for a shared one", kinds.shared, [{ ...holding, kind: 1 + replace }], []],
  ["exclusive, for one of slots", kinds.slots, [{ ...holding, kind: replace }], [2]],
  ["of slots, for one of slots: the oldest", kinds.slots, [{ ...inSlot, ticket: 9 }, inSlot], [3]],
  [
    "of slots, while one is leaving",
    kinds.slots,
    [inSlot, { ...inSlot, kind: inSlot.kind + askedToLeave }],
    [],
  ],
])("replaceableHolders() of one %s", (_, kind, others, expected) => {
  expect(replaceableHolders(ledgerOf([{ kind: kind + replace }, ...others]), 1)).toEqual(expected);
});

test("newcomerOf() is nothing for a request that only queues", () => {
  expect(newcomerOf({})).toBeUndefined();
  expect(newcomerOf({ newest: true })?.flags).toEqual(["newest"]);
  expect(newcomerOf({ replace: true })?.flags).toEqual(["newest", "replace"]);
  expect(newcomerOf({ maxWaiters: 0 })?.flags).toEqual([]);
});
