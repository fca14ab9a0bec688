import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { ResourceLock } from "../../../src/index.ts";
import { accessOf } from "../../../src/host/objects/access.ts";
import { newLockName } from "../../support/binary.ts";

const [ownGroup = 0] = process.getgroups?.() ?? [];

/** The permission bits and the group of each object of a lock. */
function permissionsOf(name: string): (readonly [mode: string, group: number])[] {
  return [`sem.${name}`, name, `${name}.ledger`].map((file) => {
    const { mode, gid } = statSync(`/dev/shm/${file}`);
    return [(mode & 0o7777).toString(8), gid];
  });
}

describe("a lock that is made", () => {
  test("has the mode that is asked for, whatever the umask", () => {
    const name = newLockName();
    const before = process.umask(0o077);
    try {
      new ResourceLock(name, { mode: 0o664 }).close();
    } finally {
      process.umask(before);
    }
    expect(permissionsOf(name).map(([mode]) => mode)).toEqual(["664", "664", "664"]);
  });

  test("has the group that is asked for, and mode 660 then", () => {
    const name = newLockName();
    new ResourceLock(name, { group: ownGroup }).close();
    const expected = ["660", ownGroup] as const;
    expect(permissionsOf(name)).toEqual([expected, expected, expected]);
  });

  test("keeps what it has for who comes later", () => {
    const name = newLockName();
    new ResourceLock(name).close();
    new ResourceLock(name, { mode: 0o666 }).close();
    expect(permissionsOf(name).map(([mode]) => mode)).toEqual(["600", "600", "600"]);
  });

  test("refuses a mode that is a text, and says how to write it", () => {
    expect(() => {
      Reflect.construct(ResourceLock, [newLockName(), { mode: "0660" }]);
    }).toThrow('Cannot create a lock with mode "0660": give a number, as in 0o660');
  });

  test("refuses a mode or a group that there is not, and nothing is made", () => {
    const name = newLockName();
    for (const options of [{ mode: 0o400 }, { mode: 0o1660 }, { group: "no such group" }]) {
      expect(() => new ResourceLock(name, options)).toThrow(RangeError);
    }
    expect(() => permissionsOf(name)).toThrow("ENOENT");
  });
});

test("accessOf() takes a group by its name or its number", () => {
  expect(accessOf(undefined, "root")).toEqual({ mode: 0o660, groupId: 0 });
  expect(accessOf(0o640, "4242")).toEqual({ mode: 0o640, groupId: 4242 });
  expect(accessOf(undefined, undefined)).toEqual({ mode: undefined });
  for (const group of ["", "-1", "4294967295", -1, 1.5]) {
    expect(() => accessOf(undefined, group)).toThrow("no such group");
  }
});
