import { describe, expect, test } from "bun:test";
import { areKin, intrusionAmong, intrusionText } from "../../../src/host/objects/kinship.ts";
import type { FileStatus } from "../../../src/posix/file.ts";

const root = 0;
const anna = 61001;
const ben = 61002;

const plain = {
  isRegularFile: true,
  bytes: 32,
  userId: 0,
  groupId: 0,
  inode: 1,
  mode: 0,
  writtenAt: 0,
  links: 1,
};
const statusOfFile = (part: Partial<FileStatus>): FileStatus => ({ ...plain, ...part });

describe("areKin()", () => {
  test.each([
    ["one user's", { userId: anna, mode: 0o600 }, { userId: anna, mode: 0o600 }, true],
    [
      "root's and a user's, who keeps root not out",
      { userId: root, mode: 0o666 },
      { userId: anna, mode: 0o600 },
      true,
    ],
    [
      "two users', who let each other in",
      { userId: anna, mode: 0o666 },
      { userId: ben, mode: 0o666 },
      true,
    ],
    [
      "two users', one of whom keeps the other out",
      { userId: anna, mode: 0o600 },
      { userId: ben, mode: 0o666 },
      false,
    ],
    [
      "a group's",
      { userId: anna, groupId: 9, mode: 0o660 },
      { userId: ben, groupId: 9, mode: 0o660 },
      true,
    ],
    [
      "two groups'",
      { userId: anna, groupId: 9, mode: 0o660 },
      { userId: ben, groupId: 8, mode: 0o660 },
      false,
    ],
  ])("tells of files that are %s", (_, one, other, kin) => {
    expect(areKin(statusOfFile(one), statusOfFile(other))).toBe(kin);
    expect(areKin(statusOfFile(other), statusOfFile(one))).toBe(kin);
  });
});

describe("intrusionAmong()", () => {
  const own = { path: "/dev/shm/sem.x", status: statusOfFile({ userId: anna, mode: 0o600 }) };
  const strange = { path: "/dev/shm/x", status: statusOfFile({ userId: ben, mode: 0o666 }) };

  test("finds who is kept out by the mode of another file", () => {
    expect(intrusionAmong([own, strange])).toEqual({ stranger: strange, beside: own });
  });

  test("finds nothing when all files are one user's", () => {
    expect(intrusionAmong([own, own])).toBeUndefined();
  });

  test("is told with both files", () => {
    const text = intrusionText({ stranger: strange, beside: own });
    expect(text).toStartWith("/dev/shm/x belongs to ");
    expect(text).toEndWith(", whom the mode of /dev/shm/sem.x keeps out");
  });
});
