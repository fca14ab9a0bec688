import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { LockCreateError, LockPermissionError } from "../../../src/index.ts";
import { explanation } from "../../../src/host/objects/explanation.ts";
import { PosixError } from "../../../src/posix/libc.ts";
import { newLockName } from "../../support/binary.ts";

const numbers = { EPERM: 1, ENOENT: 2, EACCES: 13, ENOSPC: 28, EROFS: 30, ENOSYS: 38, ELOOP: 40 };

function explain(code: keyof typeof numbers, path = "/nonexistent") {
  return explanation("x", path, new PosixError("open", numbers[code]));
}

describe("explanation()", () => {
  test.each([
    ["ENOSPC", 'Cannot use lock "x": /dev/shm is full; see resourcelock doctor'],
    ["EROFS", 'Cannot use lock "x": /dev/shm is read-only; see resourcelock doctor'],
    ["ENOENT", 'Cannot use lock "x": there is no /dev/shm; see resourcelock doctor'],
  ] as const)("of %s: the lock cannot be created, and why", (code, message) => {
    expect(explain(code)).toBeInstanceOf(LockCreateError);
    expect(explain(code).message).toBe(message);
    expect(explain(code).cause).toBeInstanceOf(PosixError);
  });

  test("of EACCES: whose the lock is", () => {
    const path = `/dev/shm/${newLockName()}`;
    writeFileSync(path, "");
    const error = explain("EACCES", path);
    expect(error).toBeInstanceOf(LockPermissionError);
    expect(error.message).toMatch(
      /^lock "x" belongs to user (\w+) \(\d+\) and is not shared with you \(\S+\); \1 can remove it and create it with --group$/,
    );
  });

  test("of EACCES where nothing is yet: this user may not make files", () => {
    expect(explain("EPERM").message).toBe(
      'Cannot create lock "x": you may not create files in /dev/shm; see resourcelock doctor',
    );
  });

  test("of anything else: what the system says", () => {
    expect(explain("ELOOP")).toBeInstanceOf(PosixError);
  });
});
