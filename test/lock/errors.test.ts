import { describe, expect, test } from "bun:test";
import {
  LockLostError,
  LockServerError,
  LockTimeoutError,
  ResourceLockError,
} from "../../src/lock/errors.ts";
import type { HolderStatus } from "../../src/lock/status.ts";

describe("LockLostError", () => {
  test.each([
    [{ reason: "forced", by: "pid 7" }, 'Lost lock "x": it was released by force by pid 7'],
    [{ reason: "forced" }, 'Lost lock "x": it was released by force'],
    [{ reason: "expired" }, 'Lost lock "x": its lease ran out'],
    [{ reason: "replaced" }, 'Lost lock "x": it was replaced'],
  ] as const)("says why the lock was lost when the loss is %p", (loss, message) => {
    const error = new LockLostError("x", loss);
    expect(error.message).toBe(message);
    expect(error.lockName).toBe("x");
    expect(error.loss).toEqual(loss);
  });
});

describe("LockServerError", () => {
  test("counts as sent unless somebody knows better", () => {
    expect(new LockServerError("unavailable", "Cannot reach it").wasSent).toBe(true);
    const unsent = new LockServerError("unavailable", "Cannot reach it", { wasSent: false });
    expect(unsent.wasSent).toBe(false);
  });

  test("is caught as a ResourceLockError", () => {
    expect(new LockServerError("denied", "Cannot use it")).toBeInstanceOf(ResourceLockError);
  });
});

const holder: HolderStatus = {
  pid: 42,
  command: "make",
  since: 0,
  kind: "exclusive",
  attachment: "attached",
  token: 1,
  slot: null,
  slots: null,
};

describe("LockTimeoutError", () => {
  test.each([
    ["nobody", [], "others were before this request"],
    ["a process", [holder], "held by pid 42 (make)"],
    ["a process without a message", [{ ...holder, command: "" }], "held by pid 42"],
    [
      "a detached hold",
      [{ ...holder, pid: null, attachment: "detached" }],
      "held by make (no process)",
    ],
    [
      "a peer",
      [{ ...holder, pid: null, command: "", attachment: "foreign" }],
      "held by a Python (cjnfuncs) program",
    ],
    [
      "many",
      Array.from({ length: 5 }, (_, index) => ({ ...holder, pid: index + 1 })),
      "held by pid 1 (make), pid 2 (make), pid 3 (make) and 2 more",
    ],
  ] as const satisfies [string, HolderStatus[], string][])(
    "says who holds the lock when that is %s",
    (_, holders, text) => {
      expect(new LockTimeoutError("x", 2, [...holders]).message).toBe(
        `Cannot get lock "x" within 2 s: ${text}`,
      );
    },
  );

  test("says that it did not wait when the timeout is 0", () => {
    const { message } = new LockTimeoutError("x", 0, []);
    expect(message).toBe('Cannot get lock "x" without waiting: others were before this request');
  });
});
