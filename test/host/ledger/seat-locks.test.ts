/** The kernel's locks of a ledger: what another description has keeps them from this one, and for how long. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSeatLocked, SeatLocks } from "../../../src/host/ledger/seat-locks.ts";
import { tryLockByte } from "../../../src/posix/byte-lock.ts";
import { closeFile } from "../../../src/posix/file.ts";
import { PosixError } from "../../../src/posix/libc.ts";

let directory: string;
let path: string;
let one: SeatLocks;
let other: SeatLocks;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "test-seat-locks-"));
  path = join(directory, "ledger");
  writeFileSync(path, "");
  one = new SeatLocks(openSync(path, "r+"));
  other = new SeatLocks(openSync(path, "r+"));
});
afterEach(() => {
  one.close();
  other.close();
  rmSync(directory, { recursive: true });
});

test("lockMutex() gives up after its time while another one has the mutex", () => {
  expect(one.lockMutex(0)).toBe(true);
  expect(other.lockMutex(0.02)).toBe(false);
  one.unlockMutex();
  expect(other.lockMutex(0)).toBe(true);
});

test("tryTake() takes a seat that nobody has", () => {
  expect(one.tryTake(3)).toBe(true);
  expect(other.tryTake(3)).toBe(false);
  expect(other.tryTake(4)).toBe(true);
});

test("handOn() keeps the seat by another description, until endCompanion()", () => {
  one.tryTake(3);
  const onlooker = openSync(path, "r+");
  closeFile(one.handOn(64));
  one.leave();
  one.unlockMutex();
  expect(isSeatLocked(onlooker, 3)).toBe(true);
  one.mine = 3;
  one.endCompanion();
  expect(isSeatLocked(onlooker, 3)).toBe(false);
  closeFile(onlooker);
});

test("handOn() throws when somebody else has locked the byte for a command", () => {
  const stranger = openSync(path, "r+");
  one.tryTake(3);
  // 2^12 behind the mutex.
  expect(tryLockByte(stranger, 2 ** 30 + 2 ** 12 + 3)).toBe(true);
  expect(() => one.handOn(64)).toThrow(PosixError);
  closeFile(stranger);
});
