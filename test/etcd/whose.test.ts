import { describe, expect, test } from "bun:test";
import { type Entry, type EntryValue, formatEntry, parseEntry } from "../../src/etcd/entry.ts";
import { claimOf, isAround, isOfProcess, processIdentity } from "../../src/etcd/whose.ts";

const own = processIdentity(process.pid);
/** The same number on another host of the same name, and in a container beside this one. */
const elsewhere = [
  own.replace(/^[^:]+/, "00000000-0000-0000-0000-000000000000"),
  own.replace(/^([^:]+):\d+/, "$1:65535"),
];

function held(more: Partial<EntryValue>): Entry {
  const value = formatEntry({
    kind: "exclusive",
    slots: 0,
    host: "runner",
    user: "ci",
    pid: process.pid,
    message: "make",
    since: 1,
    granted: 2,
    ...more,
  });
  return parseEntry({
    key: "a/1",
    value,
    createRevision: 5,
    modRevision: 7,
    version: 1,
    lease: "1",
  });
}

describe("isAround()", () => {
  test("isAround() finds the hold of this process and of an ancestor", () => {
    expect(isAround(held({ process: own }), [], "9")).toBe(true);
    expect(isAround(held({ process: processIdentity(process.ppid) }), [], "9")).toBe(true);
  });

  test.each(elsewhere)("isAround() leaves the same number elsewhere alone: %s", (identity) => {
    expect(isAround(held({ process: identity }), [], "9")).toBe(false);
  });

  test("isAround() leaves a process alone whose number is used again", () => {
    expect(isAround(held({ process: own.replace(/\d+$/, "1") }), [], "9")).toBe(false);
  });

  test("isAround() leaves a value without an identity alone", () => {
    expect(isAround(held({}), [], "9")).toBe(false);
  });

  test("isAround() takes the process that a hold is bound to, not the one that took it", () => {
    const bound = { attachment: "bound", owner: 1, process: own } as const;
    expect(isAround(held({ ...bound, ownerProcess: elsewhere[0] ?? "" }), [], "9")).toBe(false);
    expect(isAround(held({ ...bound, process: "a:0:1:1", ownerProcess: own }), [], "9")).toBe(true);
    expect(isAround(held({ attachment: "detached", process: own }), [], "9")).toBe(false);
  });

  test("isAround() believes a claim of the same cluster only", () => {
    expect(isAround(held({}), [claimOf(7, "9")], "9")).toBe(true);
    expect(isAround(held({}), [claimOf(8, "9")], "9")).toBe(false);
    // Of this host's lock of the same name, and of another cluster's.
    expect(isAround(held({}), ["7"], "9")).toBe(false);
    expect(isAround(held({}), [claimOf(7, "8")], "9")).toBe(false);
  });
});

describe("isOfProcess()", () => {
  test("isOfProcess() is true for a process of this host alone", () => {
    expect(isOfProcess(held({ process: own }), process.pid)).toBe(true);
    expect(isOfProcess(held({ process: own }), process.ppid)).toBe(false);
  });

  test.each(elsewhere)("isOfProcess() is false for the same number elsewhere: %s", (identity) => {
    expect(isOfProcess(held({ process: identity }), process.pid)).toBe(false);
  });
});
