import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { lockStates, magic, pageBytes } from "../../../src/host/ledger/layout.ts";
import type { Ledger } from "../../../src/host/ledger/ledger.ts";
import { openLedgerToLook, openOrCreateLedger } from "../../../src/host/objects/objects.ts";
import { LockDamagedError } from "../../../src/lock/errors.ts";
import { newLockName } from "../../support/binary.ts";

let name: string;
let one: Ledger;
let other: Ledger;
const path = () => `/dev/shm/${name}.ledger`;

beforeEach(() => {
  name = newLockName();
  one = openOrCreateLedger(name);
  other = openOrCreateLedger(name);
});
afterEach(() => {
  one.close();
  other.close();
});

/** Takes a seat and says so. */
function sit(ledger: Ledger): number {
  return ledger.transact(() => {
    const seat = ledger.takeSeat(0) ?? 0;
    Object.assign(ledger.seat(seat), { ticket: ledger.drawNumber(), state: 1 });
    ledger.store();
    return seat;
  });
}

function draw(ledger: Ledger): number {
  return ledger.transact(() => {
    const number = ledger.drawNumber();
    ledger.store();
    return number;
  });
}

describe("Ledger", () => {
  test("takeSeat() goes round, so that a seat just left is not taken again at once", () => {
    const first = sit(one);
    one.transact(() => one.leaveSeat(4));
    expect(sit(one)).not.toBe(first);
  });

  test("takeSeat() takes a dead participant's seat when all others are taken", () => {
    const many = Array.from({ length: 30 }, () => openOrCreateLedger(name));
    for (const ledger of many) sit(ledger);
    const dead = openOrCreateLedger(name);
    const seat = sit(dead);
    dead.close();
    expect(sit(one)).toBe(seat);
    for (const ledger of many) ledger.close();
  });

  test("isLive() tells the living from the dead, itself included", () => {
    const mine = sit(one);
    const theirs = sit(other);
    one.transact(() => {
      expect(one.isLive(mine)).toBe(true);
      expect(one.isLive(theirs)).toBe(true);
    });
    expect(one.snapshot((state) => [mine, theirs].filter((seat) => state.isLive(seat)))).toEqual([
      mine,
      theirs,
    ]);
    expect(one.othersPresent()).toBe(true);
    other.close();
    expect(one.othersPresent()).toBe(false);
    one.transact(() => expect(one.isLive(theirs)).toBe(false));
    other = openOrCreateLedger(name);
  });

  test("draws rising numbers, from the microseconds since 1970 on", () => {
    const first = draw(one);
    expect(first / 1e6).toBeCloseTo(Date.now() / 1000, -2);
    expect(draw(other)).toBe(first + 1);
  });

  test("isUnchanged() tells when somebody wrote", () => {
    sit(one);
    one.transact(() => {});
    expect(one.isUnchanged()).toBe(true);
    sit(other);
    expect(one.isUnchanged()).toBe(false);
  });

  test("doubts the record when the file was cut short under others", () => {
    sit(other);
    one.transact(() => {
      Object.assign(one.header, { state: lockStates.held, notedHash: 5 });
      one.store();
    });
    truncateSync(path(), 1024);
    one.transact(() => {
      expect(one.header.state).toBe(lockStates.free);
      expect(one.header.notedHash).toBe(0);
    });
  });

  test("discard() leaves a file alone that took the name of the one it has created", () => {
    const fresh = newLockName();
    const ledger = openOrCreateLedger(fresh);
    rmSync(`/dev/shm/${fresh}.ledger`);
    const later = openOrCreateLedger(fresh);
    ledger.discard();
    expect(later.fileHasName()).toBe(true);
    later.discard();
    expect(existsSync(`/dev/shm/${fresh}.ledger`)).toBe(false);
  });

  test("begins anew when it is damaged and nobody uses it", () => {
    const words = new Uint32Array(pageBytes / 4).fill(7);
    // Of no version that there is.
    words[0] = magic;
    writeFileSync(path(), words);
    one.transact(() => expect(one.header.state).toBe(lockStates.free));
  });

  test("begins with tokens above those of the last grant when the clock was set back since", () => {
    const info = `/dev/shm/${name}`;
    writeFileSync(info, "2100-01-01 00:00:00.000000 - the last grant");
    const then = Date.UTC(2100) / 1000;
    utimesSync(info, then, then);
    one.transact(() => expect(one.drawNumber()).toBeGreaterThan(then * 1e6));
  });

  test.each([
    ["a page of text", "x".repeat(pageBytes)],
    ["a page of zeros, and text", "\0".repeat(pageBytes) + "x"],
    ["zeros where the header is, and text", "\0".repeat(200) + "x"],
  ])("leaves a file alone that was never a ledger: %s", (_, text) => {
    writeFileSync(path(), text);
    expect(() => one.transact(() => {})).toThrow("it was never one");
    expect(readFileSync(path(), "latin1")).toBe(text);
  });

  test("is an error when it is damaged and others use it", () => {
    sit(other);
    writeFileSync(path(), "x".repeat(pageBytes));
    expect(() => one.transact(() => {})).toThrow(LockDamagedError);
    expect(() => one.snapshot(() => {})).toThrow("it does not start as one");
  });

  test("lets a waiter see whether a seat of a group still waits", () => {
    const seat = sit(one);
    expect(other.isWaitingByteLocked(seat)).toBe(false);
    one.lockWaitingByte();
    expect(other.isWaitingByteLocked(seat)).toBe(true);
    one.unlockWaitingByte();
    expect(other.isWaitingByteLocked(seat)).toBe(false);
    expect(other.blockWhileWaiting(seat)).toBe(true);
  });

  test("blockUntilLeft() and blockOnFutex() return when the seat was left", () => {
    const seat = sit(one);
    other.transact(() => {});
    one.transact(() => one.leaveSeat(4));
    expect(other.blockUntilLeft(seat)).toBe(true);
    const start = performance.now();
    other.blockOnFutex(seat, 20);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe("LedgerReader", () => {
  test("sees what participants do, and writes nothing", () => {
    const seat = sit(one);
    const reader = openLedgerToLook(name);
    expect(reader?.snapshot((state) => [...state.taken])).toEqual([seat]);
    expect(reader?.isBegun).toBe(true);
    one.transact(() => one.leaveSeat(4));
    expect(reader?.snapshot((state) => [...state.taken])).toEqual([]);
    reader?.close();
  });

  test("does not wait for a participant that has the mutex", () => {
    const reader = openLedgerToLook(name);
    one.transact(() => {
      expect(reader?.snapshot(({ header }) => header.state)).toBe(lockStates.free);
    });
    reader?.close();
  });

  test("overwrittenSeat() finds a seat that lives and says nothing", () => {
    const seat = sit(one);
    expect(other.snapshot((state) => state.overwrittenSeat())).toBe(0);
    other.transact(() => {
      Object.assign(other.seat(seat), { ticket: 0, state: 0, since: 0 });
      other.store();
    });
    expect(other.snapshot((state) => state.overwrittenSeat())).toBe(seat);
    expect(one.snapshot((state) => state.overwrittenSeat())).toBe(0);
  });
});
