import { describe, expect, test } from "bun:test";
import {
  briefHoldersText,
  commandText,
  holdersText,
  processText,
  type StateFacts,
  stateLines,
} from "../../../src/cli/status/status-text.ts";
import type { GrantRecord, HolderStatus } from "../../../src/index.ts";

const now = 1_000_000;
/** Pid 7 is anna's. */
const userOf = (pid: number) => (pid === 7 ? "anna" : undefined);
const options = { now, userOf };

function holder(changes: Partial<HolderStatus> = {}): HolderStatus {
  return {
    pid: 8,
    command: "make deploy",
    since: now - 192,
    kind: "exclusive",
    attachment: "attached",
    token: 1,
    slot: null,
    slots: null,
    ...changes,
  };
}

describe("holdersText()", () => {
  test.each<[Partial<HolderStatus>, string]>([
    [{}, "held by pid 8 (make deploy) for 3m12s"],
    [{ pid: 7 }, "held by pid 7 (make deploy by anna) for 3m12s"],
    [{ pid: 7, command: "", since: now - 5 }, "held by pid 7 (by anna) for 5s"],
    [{ host: "ci3" }, "held by pid 8 on ci3 (make deploy) for 3m12s"],
    [{ host: "ci3", attachment: "bound" }, "held by make deploy (bound to pid 8 on ci3) for 3m12s"],
    [
      { host: "ci3", attachment: "detached", pid: null },
      "held by make deploy (no process on ci3) for 3m12s",
    ],
    [{ kind: "shared" }, "shared by pid 8 (make deploy) for 3m12s"],
    [{ kind: "slots", slot: 2, slots: 3 }, "1 of 3 slots held by pid 8 (make deploy) for 3m12s"],
    [{ attachment: "detached", pid: null }, "held by make deploy (no process) for 3m12s"],
    [{ attachment: "bound" }, "held by make deploy (bound to pid 8) for 3m12s"],
    [
      { attachment: "foreign", pid: null, command: "", since: null },
      "held by a Python (cjnfuncs) program",
    ],
    [{ attachment: "stale" }, "held by pid 8 (make deploy), which died"],
    [{ attachment: "stale", pid: null, command: "" }, "held by a process that died"],
    [{ pid: null, command: "", since: null }, "held by a process that the ledger does not name"],
  ])("of %j is %p", (changes, text) => {
    expect(holdersText([holder(changes)], options)).toBe(text);
  });

  test("names three holders and counts the others", () => {
    const many = Array.from({ length: 5 }, (_, pid) =>
      holder({ pid, command: "", kind: "shared", since: null }),
    );
    expect(holdersText(many, options)).toBe("shared by pid 0, pid 1, pid 2 and 2 more");
  });

  test("tells the info text of a holder without a ledger, without its date", () => {
    const foreign = holder({ attachment: "foreign", pid: null, command: "", since: null });
    const info = "2026-11-23 11:22:36.117364 - tempmon #3";
    expect(holdersText([foreign], { ...options, info })).toBe(
      "held by a Python (cjnfuncs) program: tempmon #3",
    );
  });
});

const last: GrantRecord = {
  pid: 5,
  command: "scrub",
  kind: "exclusive",
  slot: null,
  token: 3,
  queued: now - 300,
  granted: now - 262.6,
  ended: now - 260,
  ending: "released",
};

function facts(changes: Partial<StateFacts> = {}): StateFacts {
  return {
    name: "disk",
    exists: true,
    locked: (changes.status?.holders.length ?? 0) > 0,
    info: null,
    status: { holders: [], waiters: [] },
    ...changes,
  };
}

const lines = (changes: Partial<StateFacts>) => stateLines(facts(changes), options);
const heldBy = (...holders: HolderStatus[]) => lines({ status: { holders, waiters: [] } });

describe("stateLines()", () => {
  test("tells the host of a process as messages do", () => {
    const holders = [holder({ host: "ci3" })];
    const [line] = lines({ status: { holders, waiters: [] } });
    expect(line).toContain("make deploy (pid 8 on ci3)");
  });

  test("tells the holder, then who waits", () => {
    const waiter = {
      pid: 4250,
      command: "thumbnails",
      since: now - 12,
      kind: "exclusive",
    } as const;
    const shared = { ...waiter, kind: "shared" } as const;
    const status = { holders: [holder({ pid: 7 })], waiters: [waiter, shared] };
    expect(lines({ status, info: "2026-11-23 11:22:36.117364 - make deploy" })).toEqual([
      "disk: held by make deploy (pid 7, anna) for 3m12s",
      "  1. thumbnails (pid 4250) waits for 12s",
      "  2. thumbnails (pid 4250, shared) waits for 12s",
    ]);
  });

  test("tells who had a free lock last, and how that ended", () => {
    expect(lines({ last })).toEqual(["disk: free; last held by scrub, released 4m ago after 2.6s"]);
    expect(lines({ last: { ...last, ending: "forced", exitStatus: 3 } })).toEqual([
      "disk: free; last held by scrub, released by force 4m ago after 2.6s, exit status 3",
    ]);
    expect(lines({ last: { ...last, ended: null } })).toEqual(["disk: free; last held by scrub"]);
    expect(lines({})).toEqual(["disk: free"]);
    expect(lines({ exists: false })).toEqual(["disk: free; there is no such lock yet"]);
  });

  test("says what to do about a hold that nobody releases", () => {
    expect(heldBy(holder({ attachment: "detached", pid: null, command: "cli" }))).toEqual([
      "disk: held by cli (no process) for 3m12s; release it with: resourcelock unget disk",
    ]);
    expect(heldBy(holder({ attachment: "stale" }))).toEqual([
      "disk: held by make deploy (pid 8), which died; the next run or get takes over",
    ]);
  });

  test("has a line for each of several holders", () => {
    const slots = [0, 1].map((slot) => holder({ kind: "slots", slot, slots: 3, pid: 10 + slot }));
    expect(heldBy(...slots)).toEqual([
      "disk: 2 of 3 slots held",
      "  slot 0: make deploy (pid 10) for 3m12s",
      "  slot 1: make deploy (pid 11) for 3m12s",
    ]);
    const shared = [1, 2].map((pid) => holder({ kind: "shared", pid }));
    expect(heldBy(...shared)).toEqual([
      "disk: shared by 2",
      "  make deploy (pid 1) for 3m12s",
      "  make deploy (pid 2) for 3m12s",
    ]);
  });

  test("counts readers beside slots for themselves", () => {
    const reader = holder({ kind: "shared", pid: 1 });
    const slots = [0, 1].map((slot) => holder({ kind: "slots", slot, slots: 2, pid: 10 + slot }));
    for (const mixed of [
      [reader, ...slots],
      [...slots, reader],
    ]) {
      expect(heldBy(...mixed)[0]).toBe("disk: 2 of 2 slots held; shared by 1");
      expect(holdersText(mixed, options)).toStartWith("held by pid 1");
    }
  });

  test("tells an info text only when it says something else", () => {
    const status = { holders: [holder()], waiters: [] };
    expect(lines({ status, info: "make deploy with a longer text" })).toHaveLength(1);
    expect(lines({ status, info: "set by hand" })).toContain("  info: set by hand");
    expect(lines({ last, info: "2026-11-23 11:22:36 - scrub" })).toHaveLength(1);
  });

  test("says that a semaphore was deleted while in use", () => {
    const status = { holders: [holder()], waiters: [] };
    expect(lines({ status, exists: false })).toContain(
      "  its semaphore was deleted while in use; the next run or get recreates it",
    );
  });
});

test("briefHoldersText() fits a cell: one holder, slots, shared ones", () => {
  expect(briefHoldersText([])).toBe("");
  expect(briefHoldersText([holder()])).toBe("make deploy (8)");
  const slots = [2, 3].map((film) =>
    holder({ kind: "slots", slot: film, slots: 2, command: `film ${film}` }),
  );
  expect(briefHoldersText(slots)).toBe("2/2: film 2, film 3");
  const reader = holder({ kind: "shared", command: "check" });
  expect(briefHoldersText([...slots, reader])).toBe("2/2 + 1 shared: film 2, film 3, check");
  expect(briefHoldersText([reader, ...slots])).toBe("2/2 + 1 shared: check, film 2, film 3");
  const shared = [1, 2].map((pid) => holder({ kind: "shared", pid, command: "" }));
  expect(briefHoldersText(shared)).toBe("2 shared: 1, 2");
});

test("processText() asks /proc whose process it is, and leaves one's own unnamed", () => {
  expect(processText({ pid: process.pid, command: "test" })).toBe(`pid ${process.pid} (test)`);
});

test.each([
  ["disk", "resourcelock unget disk"],
  ["my lock", "resourcelock unget 'my lock'"],
  ["it's", String.raw`resourcelock unget 'it'\''s'`],
  ["-x", "resourcelock unget -- -x"],
  ["$(rm)", "resourcelock unget '$(rm)'"],
  ["list", "resourcelock unget /list"],
])("commandText() writes %p for a shell", (name, text) => {
  expect(commandText("unget", name)).toBe(text);
});
