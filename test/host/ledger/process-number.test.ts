import { describe, expect, test } from "bun:test";
import {
  boundLabel,
  evictorLabel,
  isHoldOf,
  isOwnerDead,
  noProcess,
  ownProcess,
  processLabel,
} from "../../../src/host/ledger/process-number.ts";
import { evictedBy, evictions } from "../../../src/host/ledger/seat-words.ts";
import { LedgerImage } from "../../../src/host/ledger/layout.ts";
import { ownPidNamespace, ownStartNamespace } from "../../../src/posix/proc.ts";
import { processStart } from "../../../src/posix/process-start.ts";

/** Another namespace than this process's. */
const elsewhere = (own: number) => (own === 7 ? 8 : 7);

test("processLabel() tells a number of another namespace from one of here", () => {
  expect(processLabel(noProcess)).toEqual({ pid: null });
  expect(processLabel(ownProcess())).toEqual({ pid: process.pid });
  const other = { process: 42, namespace: elsewhere(ownPidNamespace()) };
  expect(processLabel(other)).toEqual({ pid: null, namespacePid: 42 });
});

const labelOfEvictor = (by: number, namespace: number) =>
  evictorLabel({ evicted: evictedBy(evictions.evicted, by, namespace) });

test("evictorLabel() does so for who forced a lock", () => {
  expect(labelOfEvictor(0, ownPidNamespace())).toEqual({ pid: null });
  expect(labelOfEvictor(42, ownPidNamespace())).toEqual({ pid: 42 });
  expect(labelOfEvictor(42, elsewhere(ownPidNamespace()))).toEqual({ pid: null, namespacePid: 42 });
});

test("isHoldOf() is false of a process that got the number after the hold began", () => {
  const now = Date.now() / 1000;
  const hold = { pid: process.pid, since: now, attachment: "attached" } as const;
  expect(isHoldOf(hold, process.pid)).toBe(true);
  expect(isHoldOf(hold, process.pid + 1)).toBe(false);
  const earlier = { ...hold, since: now - 10 * 365 * 86_400 };
  expect(isHoldOf(earlier, process.pid)).toBe(false);
  // The start of an owner is checked wherever it is bound, and it may be younger than the grant.
  expect(isHoldOf({ ...earlier, attachment: "bound" }, process.pid)).toBe(true);
});

const boundTo = (boundProcess: number, boundStart: number, boundNamespace: number) =>
  Object.assign(new LedgerImage().header, { boundProcess, boundStart, boundNamespace });

describe("a bound hold", () => {
  const start = processStart(process.pid) ?? 0;

  test("is of a process that lives, or has ended", () => {
    expect(boundLabel(boundTo(process.pid, start, ownStartNamespace()))).toEqual({
      pid: process.pid,
    });
    expect(isOwnerDead(boundTo(process.pid, start, ownStartNamespace()))).toBe(false);
    expect(isOwnerDead(boundTo(process.pid, start + 1, ownStartNamespace()))).toBe(true);
    expect(isOwnerDead(boundTo(0, 0, 0))).toBe(false);
  });

  test("of another namespace counts as one of a process that lives", () => {
    const header = boundTo(process.pid, start + 1, elsewhere(ownStartNamespace()));
    expect(boundLabel(header)).toEqual({ pid: null, namespacePid: process.pid });
    expect(isOwnerDead(header)).toBe(false);
  });
});
