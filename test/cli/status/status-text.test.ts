import { describe, expect, test } from "bun:test";
import { holdersText, ordinal, statusLines } from "../../../src/cli/status/status-text.ts";
import type { HolderStatus } from "../../../src/index.ts";

const now = 1_000_000;

function holder(changes: Partial<HolderStatus>): HolderStatus {
  return {
    pid: 7,
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
  test.each([
    [{}, "held by pid 7 (make deploy) for 3m12s"],
    [{ command: "", since: now - 5 }, "held by pid 7 for 5s"],
    [{ kind: "shared" }, "held by pid 7 (make deploy) shared for 3m12s"],
    [{ kind: "slots", slot: 2 }, "held by pid 7 (make deploy) in slot 2 for 3m12s"],
    [{ attachment: "detached", pid: null }, "held detached for 3m12s, until unget"],
    [{ attachment: "bound", since: now - 7500 }, "held bound to pid 7 for 2h05m"],
    [{ attachment: "foreign", pid: null, since: null }, "held by a peer without a ledger"],
    [{ attachment: "stale" }, "held by pid 7 (make deploy), which died: the next waiter adopts it"],
    [
      { attachment: "stale", pid: null },
      "held by a process, which died: the next waiter adopts it",
    ],
    [{ since: now - 3 * 86_400 - 4 * 3600 }, "held by pid 7 (make deploy) for 3d04h"],
  ] as const)("of %j", (changes, text) => {
    expect(holdersText([holder(changes)], now)).toBe(text);
  });
});

test("statusLines() has a line for each holder, then the waiters with their places", () => {
  const waiter = { pid: 8, command: "cli", since: now - 61, kind: "exclusive" } as const;
  const status = {
    holders: [holder({})],
    waiters: [waiter, { ...waiter, kind: "shared" } as const],
    grants: 0,
    recoveries: 0,
  };
  expect(statusLines(status, now)).toEqual([
    "  held by pid 7 (make deploy) for 3m12s",
    "  1. pid 8 (cli) waits for 1m01s",
    "  2. pid 8 (cli) (shared) waits for 1m01s",
  ]);
});

test("ordinal() ends as people say it", () => {
  const numbers = [1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 112, 1023];
  expect(numbers.map(ordinal)).toEqual(
    "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 101st 111th 112th 1023rd".split(" "),
  );
});
