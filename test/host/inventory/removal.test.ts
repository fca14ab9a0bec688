import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { LockDamagedError, ResourceLock } from "../../../src/index.ts";
import { unusedSeconds } from "../../../src/host/inventory/last-use.ts";
import { removeLock } from "../../../src/host/inventory/removal.ts";
import { newLockName } from "../../support/binary.ts";
import { StepwiseLock } from "../../support/stepwise-lock.ts";

const objectsOf = (name: string) => readdirSync("/dev/shm").filter((file) => file.includes(name));

function newFreeLock(): string {
  const name = newLockName();
  using lock = new ResourceLock(name);
  lock.getLock({ lockInfo: "x" });
  lock.ungetLock();
  return name;
}

describe("removeLock()", () => {
  test("takes all names of a free lock away; then there is none", () => {
    const name = newFreeLock();
    expect(removeLock(name).outcome).toBe("removed");
    expect(objectsOf(name)).toEqual([]);
    expect(removeLock(name).outcome).toBe("missing");
  });

  test("leaves a lock as it is that somebody holds, and says who", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock({ lockInfo: "x" });
    const removal = removeLock(name);
    expect(removal).toMatchObject({
      outcome: "in use",
      status: { holders: [{ pid: process.pid }] },
    });
    expect(objectsOf(name)).toHaveLength(3);
    expect(lock.ungetLock()).toBe(true);
    expect(lock.lockValue()).toBe(1);
  });

  test("leaves a lock as it is that a peer holds, with a ledger or without", () => {
    const name = newFreeLock();
    const bytes = readFileSync(`/dev/shm/sem.${name}`);
    bytes.writeUInt32LE(0);
    writeFileSync(`/dev/shm/sem.${name}`, bytes, { flag: "r+" });
    writeFileSync(`/dev/shm/${name}`, "a text of a peer", { flag: "r+" });
    const foreign = { outcome: "in use", status: { holders: [{ attachment: "foreign" }] } };
    expect(removeLock(name)).toMatchObject(foreign);
    rmSync(`/dev/shm/${name}.ledger`);
    expect(removeLock(name)).toMatchObject(foreign);
    expect(objectsOf(name).toSorted()).toEqual([name, `sem.${name}`].toSorted());
    expect(removeLock(name, { force: true }).outcome).toBe("removed");
    expect(objectsOf(name)).toEqual([]);
  });

  test("by force takes the lock from its holder, which learns so", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock();
    expect(removeLock(name, { force: true }).status.holders).toHaveLength(1);
    expect(objectsOf(name)).toEqual([]);
    using next = new ResourceLock(name);
    expect(next.getLock({ timeout: 0 })).toBe(true);
    expect(lock.ungetLock()).toBe(false);
    expect(next.ungetLock()).toBe(true);
  });

  test("leaves a peer that has the old semaphore open with one that is locked", () => {
    const name = newFreeLock();
    // As a peer does, it knows nothing of the ledger and never looks at the names again.
    using peer = new ResourceLock(name, { create: false });
    removeLock(name);
    expect(peer.lockValue()).toBe(0);
  });

  test("is noticed by who has the lock open: it excludes others, and its text is there for all", () => {
    const name = newFreeLock();
    using early = new ResourceLock(name);
    early.getLock();
    early.ungetLock();
    removeLock(name);
    using late = new ResourceLock(name);
    expect(late.getLock({ timeout: 0 })).toBe(true);
    expect(early.getLock({ timeout: 0 })).toBe(false);
    late.ungetLock();
    expect(early.getLock({ timeout: 0, lockInfo: "early" })).toBe(true);
    expect(late.getLock({ timeout: 0 })).toBe(false);
    expect(late.getLockInfo()).toEndWith(" - early");
  });

  test("is noticed by a request between its start and its first look", () => {
    const name = newFreeLock();
    using early = new ResourceLock(name);
    using requesting = new StepwiseLock(name);
    const request = requesting.request({ timeoutSeconds: 0 });
    removeLock(name);
    using late = new ResourceLock(name);
    late.getLock();
    expect(requesting.settle(request, request.tryAdvance())).toBe(false);
    late.ungetLock();
    expect(early.getLock({ timeout: 0 })).toBe(true);
    expect(late.isLocked()).toBe(true);
  });

  test("leaves files of others alone that are named like an object", () => {
    const name = newLockName();
    writeFileSync(`/dev/shm/${name}`, "of another program");
    writeFileSync(`/dev/shm/${name}.ledger`, "of another program");
    for (const force of [false, true]) expect(removeLock(name, { force }).outcome).toBe("missing");
    expect(objectsOf(name)).toHaveLength(2);
    expect(readFileSync(`/dev/shm/${name}.ledger`, "utf8")).toBe("of another program");
  });

  test("takes away a ledger that has lost its semaphore, unless somebody holds by it", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock();
    rmSync(`/dev/shm/sem.${name}`);
    expect(removeLock(name).outcome).toBe("in use");
    lock.ungetLock();
    rmSync(`/dev/shm/sem.${name}`, { force: true });
    expect(removeLock(name).outcome).toBe("removed");
    expect(objectsOf(name)).toEqual([]);
  });

  test("takes damaged objects away by force alone", () => {
    const name = newFreeLock();
    writeFileSync(`/dev/shm/sem.${name}`, "short");
    expect(() => removeLock(name)).toThrow(LockDamagedError);
    expect(existsSync(`/dev/shm/${name}.ledger`)).toBe(true);
    expect(removeLock(name, { force: true }).outcome).toBe("removed");
    expect(objectsOf(name)).toEqual([]);
  });
});

/** Makes the files of a lock look as if they had been written some seconds ago, and its text as if it had no date. */
function age(name: string, seconds: number): void {
  writeFileSync(`/dev/shm/${name}`, "\0", { flag: "r+" });
  const moment = new Date(Date.now() - seconds * 1000);
  for (const file of objectsOf(name)) utimesSync(`/dev/shm/${file}`, moment, moment);
}

describe("removeLock() with unusedSeconds", () => {
  test("leaves a lock that was written to since, and removes one that was not", () => {
    const name = newFreeLock();
    age(name, 50);
    expect(removeLock(name, { unusedSeconds: 60 }).outcome).toBe("used lately");
    expect(objectsOf(name)).toHaveLength(3);
    expect(removeLock(name, { unusedSeconds: 40, dryRun: true }).outcome).toBe("removed");
    expect(objectsOf(name)).toHaveLength(3);
    expect(removeLock(name, { unusedSeconds: 40 }).outcome).toBe("removed");
    expect(objectsOf(name)).toEqual([]);
  });

  test("leaves a lock that is held, however old its files are", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock();
    age(name, 50);
    expect(removeLock(name, { unusedSeconds: 40 }).outcome).toBe("in use");
    expect(objectsOf(name)).toHaveLength(3);
  });
});

describe("removeLock() with dryRun", () => {
  test("does not take the unit, and tells of leftovers too", () => {
    const name = newFreeLock();
    expect(removeLock(name, { dryRun: true }).outcome).toBe("removed");
    using lock = new ResourceLock(name);
    expect(lock.lockValue()).toBe(1);
    rmSync(`/dev/shm/sem.${name}`);
    expect(removeLock(name, { dryRun: true }).outcome).toBe("removed");
    expect(objectsOf(name)).toHaveLength(2);
  });
});

test("unusedSeconds() goes by the last write, the date of the text, and the time since the start", () => {
  const name = newFreeLock();
  age(name, 50);
  const now = Date.now() / 1000;
  expect(unusedSeconds(name, null, now)).toBeWithin(49, 60);
  const date = new Date((now - 10) * 1000);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
  const text = `${local.slice(0, 23).replace("T", " ")}000 - peer`;
  expect(unusedSeconds(name, text, now)).toBeWithin(9, 20);
  age(name, 1e9);
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  expect(unusedSeconds(name, null, now)).toBeWithin(uptime - 1, uptime + 60);
});
