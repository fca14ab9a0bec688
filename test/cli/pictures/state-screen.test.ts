import { expect, test } from "bun:test";
import { stateScreen } from "../../../src/cli/pictures/state-screen.ts";
import type { State } from "../../../src/cli/status/existing.ts";
import type { Paint } from "../../../src/cli/terminal/colors.ts";
import type { HolderStatus, ParticipantStatus } from "../../../src/index.ts";

const marked: Paint = (style, text) => `<${style}>${text}</>`;

const wide = { paint: marked, columns: 80 };

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

function stateOf(holders: readonly HolderStatus[], waiters: readonly ParticipantStatus[]): State {
  const status = { holders, waiters, grants: 1, recoveries: 0 };
  return { name: "disk", json: {}, exists: true, locked: holders.length > 0, info: null, status };
}

test.each([
  ["dim", "free", stateOf([], [])],
  ["green", "held", stateOf([holder], [])],
  ["yellow", "held while others wait", stateOf([holder], [waiter])],
  ["red", "stale", stateOf([{ ...holder, attachment: "stale" }], [waiter])],
])("stateScreen() paints a lock %s that is %s", (style, _, state) => {
  expect(stateScreen(["disk: as it is"], state, wide)).toEqual([
    `<bold>disk</><${style}>: as it is</>`,
  ]);
});

test("stateScreen() paints who waits, leaves other lines, and escapes what others wrote", () => {
  const state = stateOf([holder], [waiter]);
  const lines = ["disk: held by a\u001B[31m", "  slot 0: make", "  1. tar waits\u202E"];
  expect(stateScreen(lines, state, wide)).toEqual([
    String.raw`<bold>disk</><yellow>: held by a\x1b[31m</>`,
    "  slot 0: make",
    String.raw`<yellow>  1. tar waits\u202e</>`,
  ]);
});

test("stateScreen() puts what to do on a line of its own if the terminal is too narrow for both", () => {
  const lines = [
    "disk: held by a; b (no process) for 0s; release it with: resourcelock unget disk",
  ];
  const look = { paint: marked, columns: 60 };
  expect(stateScreen(lines, stateOf([holder], []), look)).toEqual([
    "<bold>disk</><green>: held by a; b (no process) for 0s</>",
    "  release it with: resourcelock unget disk",
  ]);
  expect(stateScreen(lines, stateOf([holder], []), wide)).toHaveLength(1);
});
