import { afterEach, describe, expect, test } from "bun:test";
import {
  claimsOf,
  HeldAround,
  heldAroundText,
  refusedUnderHold,
  requireNoneAround,
} from "../../../src/cli/status/hold-around.ts";
import type { AcquireRequest, LockEngine, WaitState } from "../../../src/lock/engine.ts";
import { heldVariable } from "../../../src/lock/held-claims.ts";
import type { HolderStatus } from "../../../src/lock/status.ts";
import { MemoryEngine } from "../../support/memory-engine.ts";

const holder: HolderStatus = {
  pid: 1,
  command: "make",
  since: null,
  kind: "exclusive",
  attachment: "attached",
  token: 7,
  slot: null,
  slots: null,
};

afterEach(() => {
  delete process.env[heldVariable];
});

/** An engine that finds a hold around every process. */
function engineWith(around: HolderStatus | undefined, isLeased: boolean): LockEngine {
  return Object.assign(new MemoryEngine(), { isLeased, holdAround: async () => around });
}

const state = (around?: HolderStatus): WaitState => ({
  place: 1,
  waiting: 1,
  holders: [holder],
  info: "",
  around,
});

const request = { message: "a test", timeoutSeconds: Infinity } satisfies AcquireRequest;

describe("refusedUnderHold()", () => {
  test("refusedUnderHold() fails a wait whose engine tells of a hold around", async () => {
    const { onWait } = await refusedUnderHold(engineWith(undefined, false), "disk", request);
    expect(() => onWait?.(0, () => state(holder))).toThrow(HeldAround);
  });

  test("refusedUnderHold() looks once, and passes each notice on", async () => {
    const notices: number[] = [];
    const { onWait } = await refusedUnderHold(engineWith(undefined, false), "disk", {
      ...request,
      onWait: (seconds) => notices.push(seconds),
    });
    onWait?.(0, () => state());
    onWait?.(1, () => state(holder));
    expect(notices).toEqual([0, 1]);
  });

  test("refusedUnderHold() fails a wait for what the environment claims", async () => {
    process.env[heldVariable] = "/disk:7";
    expect(claimsOf("disk")).toEqual(["7"]);
    const { onWait } = await refusedUnderHold(engineWith(holder, false), "disk", request);
    expect(() => onWait?.(0, () => state())).toThrow(HeldAround);
  });

  test("refusedUnderHold() leaves it to a server's engine what the environment claims", async () => {
    process.env[heldVariable] = "/disk:7";
    const { onWait } = await refusedUnderHold(engineWith(holder, true), "disk", request);
    onWait?.(0, () => state());
  });
});

test("requireNoneAround() throws for the lock that is held around", async () => {
  await requireNoneAround(engineWith(undefined, false), ["disk", "net"], request);
  expect(requireNoneAround(engineWith(holder, false), ["disk"], request)).rejects.toThrow(
    HeldAround,
  );
});

describe("heldAroundText()", () => {
  test.each<[Partial<HolderStatus>, Parameters<typeof heldAroundText>[2], string]>([
    [
      {},
      { command: "get" },
      "pid 1 (make), which started this get, holds it and waits for this get to end",
    ],
    [
      { kind: "shared" },
      { command: "run", isEnough: false },
      "pid 1 (make), which started this run, holds it with --shared and waits for this one to end; that hold is not enough for --reentrant",
    ],
    [
      { attachment: "bound", pid: 12 },
      { command: "run", isEnough: true },
      "this run is part of pid 12, for which get --owner-pid holds the lock already; to run under that hold, use --reentrant",
    ],
    [{ pid: process.pid }, { command: "session" }, "this session holds it itself"],
  ])("of %p for %p", (changes, asker, text) => {
    expect(heldAroundText("disk", { ...holder, ...changes }, asker)).toBe(
      `Cannot wait for lock "disk": ${text}`,
    );
  });

  test("heldAroundText() knows the hold of a run by its claim", () => {
    process.env[heldVariable] = "/disk:7";
    expect(heldAroundText("disk", holder, { command: "wait" })).toBe(
      'Cannot wait for lock "disk": a run around this wait holds it and waits for this wait to end',
    );
  });
});
