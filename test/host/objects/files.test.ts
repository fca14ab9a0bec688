import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { ResourceLock } from "../../../src/index.ts";
import {
  filesOfLock,
  identityOf,
  lockNamesOnHost,
  mayUse,
  semaphoresOnHost,
} from "../../../src/host/objects/files.ts";
import { newLockName } from "../../support/binary.ts";

test("lockNamesOnHost() has locks only: no other file, and nothing of another size", () => {
  const lock = newLockName();
  const [short, folder, plain] = [newLockName(), newLockName(), newLockName()];
  new ResourceLock(lock).close();
  writeFileSync(`/dev/shm/sem.${short}`, "16 bytes, 32 bit");
  mkdirSync(`/dev/shm/sem.${folder}`);
  writeFileSync(`/dev/shm/${plain}`, "");
  const mine = new Set([lock, short, folder, plain]);
  const own = lockNamesOnHost().filter((name) => mine.has(name));
  expect(own).toEqual([lock]);
  const named = semaphoresOnHost().map(({ lockName }) => lockName);
  expect(named.filter((name) => mine.has(name)).toSorted()).toEqual(
    [lock, short, folder].toSorted(),
  );
});

test("filesOfLock() has the objects that are there, which their user may use", () => {
  const name = newLockName();
  expect(filesOfLock(name)).toEqual([]);
  new ResourceLock(name).close();
  const files = filesOfLock(name);
  expect(files.map(({ path }) => path)).toEqual([
    `/dev/shm/sem.${name}`,
    `/dev/shm/${name}.ledger`,
    `/dev/shm/${name}`,
  ]);
  expect(files.map(mayUse)).toEqual([true, true, true]);
  // That it is gone is not for its mode.
  rmSync(`/dev/shm/${name}`);
  expect(files.map(mayUse)).toEqual([true, true, true]);
});

test("identityOf() changes with each object, and is nothing without a semaphore", () => {
  const name = newLockName();
  expect(identityOf(name)).toBeUndefined();
  new ResourceLock(name).close();
  const before = identityOf(name);
  expect(identityOf(name)).toBe(before ?? "");
  rmSync(`/dev/shm/${name}`);
  expect(identityOf(name)).not.toBe(before ?? "");
  expect(identityOf("x".repeat(300))).toBeUndefined();
});
