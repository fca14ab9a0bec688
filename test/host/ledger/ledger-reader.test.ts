import { afterEach, expect, spyOn, test } from "bun:test";
import { openLedgerToLook } from "../../../src/host/objects/objects.ts";
import { ResourceLock } from "../../../src/index.ts";
import { tryLockByte } from "../../../src/posix/byte-lock.ts";
import { closeFile, openFile } from "../../../src/posix/file.ts";
import { newLockName, removeLocks } from "../../support/binary.ts";

afterEach(removeLocks);

const mutexByte = 2 ** 30;

test("snapshot() of many ledgers whose mutex stays locked sleeps 100 times a second at most", () => {
  const names = Array.from({ length: 40 }, () => newLockName());
  for (const name of names) {
    using lock = new ResourceLock(name);
    lock.getLock();
    lock.ungetLock();
  }
  const lockers = names.map((name) => openFile(`/dev/shm/${name}.ledger`));
  using sleep = spyOn(Bun, "sleepSync");
  const started = performance.now();
  try {
    for (const locker of lockers) expect(tryLockByte(locker, mutexByte)).toBe(true);
    for (const name of names) {
      const reader = openLedgerToLook(name);
      expect(reader?.snapshot(() => reader.isBegun)).toBe(true);
      reader?.close();
    }
  } finally {
    for (const locker of lockers) closeFile(locker);
  }
  const seconds = Math.ceil((performance.now() - started) / 1000) + 1;
  expect(sleep.mock.calls.length).toBeGreaterThan(20);
  expect(sleep.mock.calls.length).toBeLessThanOrEqual(100 * seconds);
});
