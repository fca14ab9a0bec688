import { describe, expect, test } from "bun:test";
import { LockLostError, LockServerError, ResourceLockError } from "../../src/lock/errors.ts";

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
