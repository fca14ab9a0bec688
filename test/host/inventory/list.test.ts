import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { ResourceLock } from "../../../src/index.ts";
import {
  locksNamed,
  locksOnHost,
  scanLocks,
  staleOnHost,
} from "../../../src/host/inventory/list.ts";
import type { LockState } from "../../../src/lock/status.ts";
import { newLockName } from "../../support/binary.ts";
import { runToEnd, start } from "../../support/process.ts";

const shared = (file: string) => `/dev/shm/${file}`;

/** The locks with `part` in their name, sorted: other tests have theirs at the same time. */
function listed(part: string, list: () => LockState[] = locksOnHost): LockState[] {
  return list()
    .filter(({ name }) => name.includes(part))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Sets a semaphore to 0, as somebody that dies between two steps leaves it: a peer, or a participant. */
function lockSemaphore(name: string, by: "peer" | "participant"): void {
  const bytes = readFileSync(shared(`sem.${name}`));
  bytes.writeUInt32LE(0);
  // The mark of the next grant.
  if (by === "participant") bytes.writeUInt32LE(2, 16);
  writeFileSync(shared(`sem.${name}`), bytes, { flag: "r+" });
}

describe("locksOnHost()", () => {
  test("tells of a free and of a held lock what status() does, and the info text", () => {
    const name = newLockName();
    using free = new ResourceLock(`${name}-free`);
    free.setLockInfo("left by somebody");
    using held = new ResourceLock(`${name}-held`);
    held.getLock({ lockInfo: "by us" });
    expect(listed(name)).toMatchObject([
      { name: free.lockName, state: "free", value: 1, info: "left by somebody", exists: true },
      { name: held.lockName, state: "held", value: 0, info: held.getLockInfo() },
    ]);
    expect(listed(`${name}-held`)[0]).toMatchObject({ ...held.status() });
  });

  test("tells of a lock without a ledger by its semaphore alone", () => {
    const name = newLockName();
    new ResourceLock(name).close();
    rmSync(shared(`${name}.ledger`));
    expect(listed(name)).toMatchObject([{ state: "free", holders: [], grants: 0 }]);
    lockSemaphore(name, "peer");
    expect(listed(name)).toMatchObject([{ state: "held", holders: [{ attachment: "foreign" }] }]);
  });

  test("takes nothing for a lock that is none, and makes and changes nothing", async () => {
    const name = newLockName();
    const semaphore = (suffix: string) => shared(`sem.${name}-${suffix}`);
    writeFileSync(semaphore("short"), new Uint8Array(31));
    writeFileSync(semaphore("long"), new Uint8Array(33));
    mkdirSync(semaphore("directory"));
    symlinkSync("/dev/zero", semaphore("link"));
    await runToEnd(["mkfifo", semaphore("pipe")]);
    writeFileSync(shared(`sem.${name}.ledger`), new Uint8Array(32));
    writeFileSync(shared(`sem.sem.${name}`), new Uint8Array(32));
    writeFileSync(shared(name), "a file of another program");
    expect(listed(name)).toEqual([]);
    expect(listed(name, staleOnHost)).toEqual([]);
    expect(readFileSync(shared(name), "utf8")).toBe("a file of another program");
  });

  test("takes a text without an end for what it is, also a long one", () => {
    const name = newLockName();
    using lock = new ResourceLock(name, { sharedMemorySize: 10_000 });
    const text = "a".repeat(9999);
    lock.setLockInfo(text);
    lock.getLock({ lockInfo: "" });
    lock.ungetLock();
    lock.setLockInfo(text);
    expect(listed(name)).toMatchObject([{ state: "free", info: text }]);
    lockSemaphore(name, "participant");
    // That the text is as it was noted is seen by all of it.
    expect(listed(name)).toMatchObject([{ holders: [{ attachment: "stale" }] }]);
  });

  test("tells of a damaged ledger that it is, and leaves it as it is", () => {
    const name = newLockName();
    new ResourceLock(name).close();
    const ledger = shared(`${name}.ledger`);
    writeFileSync(ledger, "not a ledger", { flag: "r+" });
    const before = readFileSync(ledger);
    expect(listed(name)).toMatchObject([{ state: "damaged", value: 1 }]);
    expect(readFileSync(ledger)).toEqual(before);
  });

  test("tells of a lock whose semaphore is cut, or replaced, that it is damaged", () => {
    const name = newLockName();
    for (const suffix of ["cut", "directory"]) new ResourceLock(`${name}-${suffix}`).close();
    truncateSync(shared(`sem.${name}-cut`), 16);
    rmSync(shared(`sem.${name}-directory`));
    mkdirSync(shared(`sem.${name}-directory`));
    const damaged = { state: "damaged", exists: true, locked: null, value: null, holders: [] };
    expect(listed(name)).toMatchObject([damaged, damaged]);
  });

  test("tells of a lock with an object that is no file that it is damaged", async () => {
    const name = newLockName();
    const replace: Record<string, (path: string) => unknown> = {
      [`${name}-link.ledger`]: (path) => symlinkSync("/dev/null", path),
      [`${name}-directory.ledger`]: (path) => mkdirSync(path),
      [`${name}-pipe`]: (path) => runToEnd(["mkfifo", path]),
    };
    for (const [file, make] of Object.entries(replace)) {
      new ResourceLock(file.replace(".ledger", "")).close();
      rmSync(shared(file));
      await make(shared(file));
    }
    const damaged = { state: "damaged", exists: true, value: null, info: null, holders: [] };
    expect(listed(name)).toMatchObject([damaged, damaged, damaged]);
  });

  test("does not wait for a process that was stopped while it changed the lock", async () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock();
    const script = `
import fcntl, os, struct, sys
ledger = os.open(${JSON.stringify(shared(`${name}.ledger`))}, os.O_RDWR)
fcntl.fcntl(ledger, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 2**30, 1, 0))
print("locked", flush=True)
sys.stdin.read()`;
    const stopped = start(["python3", "-c", script]);
    await stopped.stdout.until("locked");
    expect(listed(name)).toMatchObject([{ state: "held", holders: [{ pid: process.pid }] }]);
    await stopped.endInput();
    expect((await stopped.end()).status).toBe(0);
  });
});

describe("staleOnHost()", () => {
  test("tells of a lock that is locked and that nobody says to hold", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock();
    lock.ungetLock();
    expect(listed(name, staleOnHost)).toEqual([]);
    lockSemaphore(name, "peer");
    expect(listed(name, staleOnHost)).toEqual([]);
    lockSemaphore(name, "participant");
    expect(listed(name, staleOnHost)).toMatchObject([{ name, state: "stale", exists: true }]);
  });

  test("tells of a ledger without a semaphore, unless somebody holds by it", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock({ lockInfo: "us" });
    rmSync(shared(`sem.${name}`));
    expect(listed(name, staleOnHost)).toEqual([]);
    lock.detach();
    expect(listed(name, staleOnHost)).toEqual([]);
    lock.ungetLock({ force: true });
    expect(listed(name, staleOnHost)).toMatchObject([
      { name, state: "leftover", exists: false, value: null, info: lock.getLockInfo() },
    ]);
    rmSync(shared(name));
    expect(listed(name, staleOnHost)).toMatchObject([{ name, state: "leftover", info: "" }]);
    expect(listed(name)).toEqual([]);
  });

  test("does not take any file that ends with .ledger for one", () => {
    const name = newLockName();
    writeFileSync(shared(`${name}.ledger`), new Uint8Array(4096));
    writeFileSync(shared(`${name}-2.ledger`), "of another program");
    mkdirSync(shared(`${name}-3.ledger`));
    expect(listed(name, staleOnHost)).toEqual([]);
  });
});

describe("scanLocks()", () => {
  test("looks at one lock a step, and comes to what locksOnHost() does", () => {
    const name = newLockName();
    using one = new ResourceLock(`${name}-one`);
    using two = new ResourceLock(`${name}-two`);
    two.getLock();
    const steps = scanLocks();
    let count = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) count += 1;
    expect(count).toBeGreaterThanOrEqual(2);
    const { value } = step;
    expect(listed(name, () => value)).toEqual(listed(name));
    expect(locksNamed([two.lockName, `${name}-none`])).toEqual(listed(two.lockName));
    expect(one.isLocked()).toBe(false);
  });
});
