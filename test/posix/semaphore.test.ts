/** The wait at a semaphore beside glibc's own calls: what it leaves in the file, and that it does not touch one in vain. */
import { afterEach, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { initialSemaphore, Semaphore } from "../../src/posix/semaphore.ts";
import { newLockName } from "../support/binary.ts";

const paths: string[] = [];
afterEach(() => {
  for (const path of paths.splice(0)) rmSync(path);
});

function newSemaphore(value: number) {
  const path = `/dev/shm/sem.${newLockName()}`;
  writeFileSync(path, initialSemaphore(value));
  paths.push(path);
  const descriptor = openSync(path, "r+");
  const semaphore = new Semaphore(descriptor, 0);
  closeSync(descriptor);
  return {
    semaphore,
    waiters: () => readFileSync(path).readUInt32LE(4),
    /** In place, so that the mapping shows it. */
    rewrite: (anew: number) => writeFileSync(path, initialSemaphore(anew), { flag: "r+" }),
    cut: () => truncateSync(path),
  };
}

const refuse = (): boolean => {
  throw new Error("cut short");
};

test("timedWait() takes a unit that is there without a wait", () => {
  const { semaphore, waiters } = newSemaphore(2);
  let checks = 0;
  expect(semaphore.timedWait(10, () => (checks += 1) > 0)).toBe("granted");
  expect({ value: semaphore.value, waiters: waiters(), checks }).toEqual({
    value: 1,
    waiters: 0,
    checks: 1,
  });
  semaphore.close();
});

test("timedWait() counts itself as a waiter until its time is up, so that glibc's sem_post wakes it", () => {
  const { semaphore, waiters } = newSemaphore(0);
  const counts: number[] = [];
  expect(semaphore.timedWait(0.02, () => counts.push(waiters()) > 0)).toBe("elapsed");
  expect(counts.slice(0, 2)).toEqual([0, 1]);
  expect({ value: semaphore.value, waiters: waiters() }).toEqual({ value: 0, waiters: 0 });
  semaphore.close();
});

test("timedWait() takes the unit that is posted while it waits", () => {
  const { semaphore, waiters } = newSemaphore(0);
  let checks = 0;
  const post = () => {
    checks += 1;
    if (checks === 2) semaphore.post();
    return true;
  };
  expect(semaphore.timedWait(0.02, post)).toBe("granted");
  expect({ value: semaphore.value, waiters: waiters() }).toEqual({ value: 0, waiters: 0 });
  semaphore.close();
});

test("timedWait() ends as by a signal, and counts itself off no more, when its bytes are gone", () => {
  const { semaphore, waiters } = newSemaphore(0);
  let checks = 0;
  expect(semaphore.timedWait(0.02, () => (checks += 1) === 1)).toBe("interrupted");
  expect(waiters()).toBe(1);
  semaphore.close();
});

test("timedWait() does not count below 0 when somebody writes the semaphore anew meanwhile", () => {
  const { semaphore, waiters, rewrite } = newSemaphore(0);
  let checks = 0;
  const rewritten = () => {
    checks += 1;
    if (checks === 2) rewrite(0);
    return true;
  };
  expect(semaphore.timedWait(0.02, rewritten)).toBe("elapsed");
  expect(waiters()).toBe(0);
  semaphore.close();
});

test("isThere tells that the file was cut short, without touching it", () => {
  const { semaphore, cut } = newSemaphore(1);
  expect(semaphore.isThere).toBe(true);
  cut();
  expect(semaphore.isThere).toBe(false);
  semaphore.close();
});

test("timedWait() takes nothing when the check says that the semaphore must not be touched", () => {
  const { semaphore } = newSemaphore(1);
  expect(() => semaphore.timedWait(10, refuse)).toThrow("cut short");
  expect(semaphore.value).toBe(1);
  semaphore.close();
});
