/** Who may go before the first that waits: nobody, but where that one is stopped or does not adopt. */
import { describe, expect, test } from "bun:test";
import { casesOf, newLockName } from "../support/binary.ts";
import { killStranger, type TestProcess } from "../support/process.ts";
import { StepwiseLock } from "../support/stepwise-lock.ts";
import {
  atRest,
  bash,
  endlessCommand,
  libraryUser,
  outcomeOf,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { heldByPeer, heldByRun, stoppedBehind } from "./waiters.ts";

test("the second of two who wait, whose looks find nothing new, sees at its next one that the holder is dead", async () => {
  const name = newLockName();
  const holder = resourcelock(["get", name, "-a", "1000"]);
  await holder.stdout.nextLine();
  using first = new StepwiseLock(name);
  using second = new StepwiseLock(name);
  const stopped = first.request();
  const request = second.request();
  expect([stopped.tryAdvance(), request.tryAdvance(), request.tryAdvance()]).toEqual([
    false,
    false,
    false,
  ]);
  await holder.kill();
  expect(request.tryAdvance()).toBe(false);
  // It gives the first one half a second to adopt the lock, where else it would look again after a whole one.
  expect(request.secondsToRetry()).toBeLessThan(0.6);
  while (!request.tryAdvance()) await Bun.sleep(request.secondsToRetry() * 1000);
  expect(second.settle(request, true)).toBe(true);
  expect(first.settle(stopped, false)).toBe(false);
  second.release();
  expect(await stateOf(name)).toMatchObject(atRest);
});

/** Takes a lock for a process, which it gives back. */
async function bound(name: string): Promise<TestProcess> {
  const owner = bash("read line");
  expect((await outcomeOf("get", name, "--owner-pid", String(owner.pid))).status).toBe(0);
  return owner;
}

describe("a hold whose owner is dead, which the first of two who wait does not adopt", () => {
  test("is the second one's half a second later, as nobody is waited for who may still speak up", async () => {
    const name = newLockName();
    using first = new StepwiseLock(name);
    using second = new StepwiseLock(name);
    const owner = await bound(name);
    const stopped = first.request();
    const request = second.request();
    expect([stopped.tryAdvance(), request.tryAdvance()]).toEqual([false, false]);
    await owner.kill();
    expect(request.tryAdvance()).toBe(false);
    expect(request.secondsToRetry()).toBeLessThan(0.6);
    while (!request.tryAdvance()) await Bun.sleep(request.secondsToRetry() * 1000);
    expect(second.settle(request, true)).toBe(true);
    expect(first.settle(stopped, false)).toBe(false);
  });

  test("leaves both their places where neither adopts", async () => {
    const name = newLockName();
    await (await bound(name)).kill();
    using first = new StepwiseLock(name);
    using second = new StepwiseLock(name);
    const requests = [first, second].map((lock, index) =>
      lock.request({ adopt: false, message: `waiter ${index}` }),
    );
    const polled = () => requests.map((request) => request.tryAdvance());
    const end = performance.now() + 1200;
    // Longer than the second one would have patience with one that is stopped.
    while (performance.now() < end) {
      expect(polled()).toEqual([false, false]);
      await Bun.sleep(50);
    }
    const { waiters } = first.status();
    expect(waiters.map(({ command }) => command)).toEqual(["waiter 0", "waiter 1"]);
    expect((await outcomeOf("unget", name)).status).toBe(0);
    expect(polled()).toEqual([true, false]);
  });
});

describe("a newcomer", () => {
  for (const words of [["get"], ["run"]]) {
    const command = words[0] === "run" ? ["--", "true"] : [];
    test(`${words[0]} -t 0 does not overtake one who waits for a lock that is free already`, async () => {
      const name = newLockName();
      // A peer says nothing of when it released, so that the waiter has its time from now on.
      const waiter = await stoppedBehind(name, heldByPeer);
      expect((await stateOf(name)).value).toBe(1);
      expect((await outcomeOf(...words, "-t", "0", name, ...command)).status).toBe(75);
      waiter.resume();
      expect((await waiter.end()).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }

  test("the library with a time-out of 0 does not overtake, either", async () => {
    const name = newLockName();
    const waiter = await stoppedBehind(name, heldByPeer);
    expect(await libraryUser(name, { timeout: 0 }).stdout.nextLine()).toBe("not granted");
    waiter.resume();
    expect((await waiter.end()).status).toBe(0);
  });
});

/** Runs `run` until it is granted: a hundred times are over a minute. */
async function untilGranted(name: string, ...options: string[]): Promise<void> {
  for (let count = 0; count < 100; count++) {
    const { status } = await outcomeOf("run", ...options, name, "--", "true");
    if (status === 0) return;
    expect(status).toBe(75);
    await Bun.sleep(200);
  }
  throw new Error("never granted");
}

describe("requests that hardly wait, behind one in the way of a lock that nobody holds", () => {
  for (const options of casesOf(1, [["-n"], ["-t", "0.1"]])) {
    test(`run ${options.join(" ")} is granted when the first waiter is stopped, which is served later`, async () => {
      const name = newLockName();
      const stopped = await stoppedBehind(name, heldByRun);
      await untilGranted(name, ...options);
      stopped.resume();
      expect((await stopped.end()).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });

    test(`run ${options.join(" ")} is granted when the first waiter is stopped behind a peer`, async () => {
      const name = newLockName();
      const stopped = await stoppedBehind(name, heldByPeer);
      await untilGranted(name, ...options);
      stopped.resume();
      expect((await stopped.end()).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });

    test(`run ${options.join(" ")} is granted when the first waiter does not adopt from a dead holder`, async () => {
      const name = newLockName();
      const holder = resourcelock(["get", name, "-a", "1000"]);
      await holder.stdout.nextLine();
      const waiter = resourcelock(["run", "--no-adopt", name, "--", "true"]);
      await waiting(name, 1);
      await holder.kill();
      await untilGranted(name, ...options);
      expect((await waiter.end()).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }

  test("a waiter that is awake keeps its place, however many do not wait", async () => {
    const name = newLockName();
    const { command } = await runningCommand(name);
    const waiter = resourcelock(["run", name, "--", ...endlessCommand]);
    await waiting(name, 1);
    for (let count = 0; count < 10; count++) {
      expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
    }
    await killStranger(command);
    await waiter.stdout.nextLine();
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
  });
});
