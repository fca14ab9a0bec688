import { expect, test } from "bun:test";
import { openFile } from "../../src/posix/file.ts";
import { isPosixError, openLibc, PosixError } from "../../src/posix/libc.ts";
import { userName } from "../../src/posix/user.ts";

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

test("a failing call is an error with its name, number and the system's text", () => {
  const error = errorOf(() => openFile("/nonexistent"));
  expect(error).toBeInstanceOf(PosixError);
  expect(error).toMatchObject({
    call: "open",
    errno: 2,
    code: "ENOENT",
    message: "open: No such file or directory",
  });
  expect(isPosixError(error, "EACCES", "ENOENT")).toBe(true);
  expect(isPosixError(error, "EACCES")).toBe(false);
  expect(isPosixError(new Error("open"), "ENOENT")).toBe(false);
});

test("an error that nothing tells apart has its number for a code", () => {
  expect(new PosixError("semop", 43).code).toBe("E43");
});

test("a symbol that is nowhere is an error", () => {
  expect(() => openLibc({ no_such_function: { args: [], returns: "i32" } })).toThrow();
});

test("userName() knows root and not a number that nobody has", () => {
  expect([userName(0), userName(4_000_000_001)]).toEqual(["root", undefined]);
});
