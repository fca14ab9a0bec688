import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LockNameError } from "../../src/lock/errors.ts";
import { objectsOf, parseLockName } from "../../src/lock/name.ts";

function paths(name: string): string[] {
  const { infoPath, semaphorePath } = objectsOf(name);
  return [infoPath, semaphorePath, `${infoPath}.ledger`];
}

describe("parseLockName()", () => {
  test("tells which part of a path can be a name", () => {
    expect(() => parseLockName("/var/lock/photos.lock")).toThrow('; try "photos.lock"');
    expect(() => parseLockName("a/")).toThrow(/cannot contain "\/"$/);
  });

  test("takes a name with and without its leading slash", () => {
    expect([parseLockName("deploy"), parseLockName("/deploy")]).toEqual(["deploy", "deploy"]);
  });

  test.each([
    ["", "empty"],
    ["/", "empty"],
    [".", "directory"],
    ["..", "directory"],
    ["/..", "directory"],
    ["a/b", 'cannot contain "/"'],
    ["//a", 'cannot contain "/"'],
    ["a\0b", "NUL"],
    ["sem.a", 'cannot start with "sem."'],
    ["a.ledger", 'cannot end in ".ledger"'],
    ["a".repeat(248), "247 bytes"],
    ["ä".repeat(124), "247 bytes"],
    ["\uD800", "UTF-8"],
    ["a\uFFFD", "UTF-8"],
  ])("refuses %j", (name, why) => {
    expect(() => parseLockName(name)).toThrow(LockNameError);
    expect(() => parseLockName(name)).toThrow(why);
  });

  test.each([
    ["a".repeat(247)],
    ["semaphore"],
    ["ledger"],
    ["..."],
    ["-n"],
    ["mit Leerzeichen"],
    ["😀"],
    ["__proto__"],
  ])("takes %j", (name) => {
    expect(parseLockName(name)).toBe(name);
  });

  test("what it takes makes three files in /dev/shm that are no other lock's", () => {
    const names = fc.string({ unit: "binary", maxLength: 300 });
    fc.assert(
      fc.property(names, names, (one, other) => {
        const [first, second] = [one, other].map((text) => {
          try {
            return parseLockName(text);
          } catch (error) {
            expect(error).toBeInstanceOf(LockNameError);
            return undefined;
          }
        });
        if (first === undefined || second === undefined || first === second) return;
        for (const path of paths(first)) {
          expect(path).toMatch(/^\/dev\/shm\/[^/\0]+$/);
          expect(Buffer.byteLength(path)).toBeLessThanOrEqual("/dev/shm/".length + 255);
          expect(paths(second)).not.toContain(path);
        }
      }),
      {
        examples: [
          ["a", "sem.a"],
          ["a", "a.ledger"],
        ],
      },
    );
  });
});
