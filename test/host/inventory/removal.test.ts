import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { LockDamagedError, ResourceLock } from "../../../src/index.ts";
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
