/** In which order those who wait are served. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isWhole, newLockName } from "../support/binary.ts";
import { killStranger, type TestProcess } from "../support/process.ts";
import {
  atRest,
  bash,
  endlessCommand,
  faultAt,
  libraryUser,
  outcomeOf,
  pythonPeer,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { StepwiseLock } from "../support/stepwise-lock.ts";

/** A directory with a file to which everybody who is served adds a line. */
class OrderLog implements Disposable {
  readonly #directory = mkdtempSync(`${tmpdir()}/resourcelock-order-`);
  readonly path = `${this.#directory}/order`;

  get lines(): string[] {
    return readFileSync(this.path, "utf8").trim().split("\n");
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** Those who can wait; each writes its number into the log when it is served, and lets go of the lock. */
const waiterKinds: ((lockName: string, log: OrderLog, number: number) => TestProcess)[] = [
  (lockName, { path }, number) =>
    resourcelock(["run", lockName, "--", "sh", "-c", `echo ${number} >>${path}`]),
  (lockName, { path }, number) =>
    bash(
      `resourcelock get ${lockName} -t -1 --owner-pid $$ && echo ${number} >>${path} && resourcelock unget ${lockName}`,
    ),
  (lockName, { path }, number) => libraryUser(lockName, { log: path, line: String(number) }),
];

function startWaiter(lockName: string, log: OrderLog, number: number): TestProcess {
  const kind = waiterKinds[number % waiterKinds.length];
  if (kind === undefined) throw new RangeError();
  return kind(lockName, log, number);
}

const rounds = isWhole ? 10 : 2;

describe("20 wait behind one holder: run, get and the library in turn", () => {
  for (let round = 1; round <= rounds; round++) {
    test(`they are served in the order in which they came (${round} of ${rounds})`, async () => {
      const name = newLockName();
      using log = new OrderLog();
      const { holder, command } = await runningCommand(name);
      const numbers = Array.from({ length: 20 }, (_, index) => index + round);
      const waiters: TestProcess[] = [];
      for (const number of numbers) {
        waiters.push(startWaiter(name, log, number));
        await waiting(name, waiters.length);
      }
      await killStranger(command);
      await holder.exited();
      const statuses = await Promise.all(
        waiters.map(async (waiter) => (await waiter.end()).status),
      );
      expect(log.lines).toEqual(numbers.map(String));
      expect(new Set(statuses)).toEqual(new Set([0]));
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }
});

/** How a lock comes to be free, or free to be adopted, under those who wait. */
const releases: Record<string, (lockName: string) => Promise<() => Promise<unknown>>> = {
  "its holder releases": async (name) => {
    const { holder, command } = await runningCommand(name);
    return async () => {
      await killStranger(command);
      await holder.exited();
    };
  },
  "its holder is killed": async (name) => {
    const holder = resourcelock(["get", name, "-a", "1000"]);
    await holder.stdout.nextLine();
    return () => holder.kill();
  },
  "its holder dies while it releases": async (name) => {
    const holder = libraryUser(name, {}, faultAt("freed"));
    await holder.stdout.nextLine();
    return async () => {
      await holder.tell("release\n");
      await holder.exited();
    };
  },
  "it is released by unget": async (name) => {
    await outcomeOf("get", name);
    return () => outcomeOf("unget", name);
  },
  "the process ends that it is bound to": async (name) => {
    const owner = bash("read line");
    await outcomeOf("get", name, "--owner-pid", String(owner.pid));
    return () => owner.kill();
  },
  "a peer releases": async (name) => {
    const peer = pythonPeer(name, "hold");
    await peer.stdout.nextLine();
    return async () => {
      await peer.endInput();
      await peer.exited();
    };
  },
};

describe("the first of three who wait is stopped", () => {
  for (const [title, hold] of Object.entries(releases)) {
    test(`when ${title}, the others are served in order, and it gets its turn when it goes on`, async () => {
      const name = newLockName();
      using log = new OrderLog();
      const release = await hold(name);
      const waiters: TestProcess[] = [];
      for (const number of [1, 2, 3]) {
        waiters.push(resourcelock(["run", name, "--", "sh", "-c", `echo ${number} >>${log.path}`]));
        await waiting(name, waiters.length);
      }
      const [first, ...others] = waiters;
      if (first === undefined) throw new RangeError();
      await first.stop();
      await release();
      for (const other of others) expect((await other.end()).status).toBe(0);
      expect(log.lines).toEqual(["2", "3"]);
      first.resume();
      expect((await first.end()).status).toBe(0);
      expect(log.lines).toEqual(["2", "3", "1"]);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }
});

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

describe("waiters that are killed or stopped before it is their turn", () => {
  test("they are skipped, and the stopped one is served when it goes on", async () => {
    const name = newLockName();
    using log = new OrderLog();
    const { command } = await runningCommand(name);
    const waiters: TestProcess[] = [];
    for (const number of [0, 1, 2, 3, 4, 5]) {
      waiters.push(startWaiter(name, log, number));
      await waiting(name, waiters.length);
    }
    const [zero, one, two, three, four, five] = waiters;
    if (!zero || !one || !two || !three || !four || !five) throw new RangeError();
    await zero.kill();
    await three.kill();
    await two.stop();
    await killStranger(command);
    for (const waiter of [one, four, five]) expect((await waiter.end()).status).toBe(0);
    expect(log.lines).toEqual(["1", "4", "5"]);
    two.resume();
    expect((await two.end()).status).toBe(0);
    expect(log.lines).toEqual(["1", "4", "5", "2"]);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("one that was evicted while it was stopped queues anew behind who came meanwhile", async () => {
    const name = newLockName();
    using log = new OrderLog();
    const { command } = await runningCommand(name);
    const stopped = startWaiter(name, log, 3);
    await waiting(name, 1);
    const next = runningCommand(name);
    await waiting(name, 2);
    await stopped.stop();
    await killStranger(command);
    const { command: nextCommand } = await next;
    const last = startWaiter(name, log, 6);
    await waiting(name, 1);
    stopped.resume();
    await waiting(name, 2);
    await killStranger(nextCommand);
    for (const waiter of [last, stopped]) expect((await waiter.end()).status).toBe(0);
    expect(log.lines).toEqual(["6", "3"]);
  });
});

describe("the lock is forced from a holder who lives on", () => {
  test("those who wait are served in order", async () => {
    const name = newLockName();
    using log = new OrderLog();
    await runningCommand(name);
    const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    const waiters: TestProcess[] = [];
    for (const number of numbers) {
      waiters.push(startWaiter(name, log, number));
      await waiting(name, waiters.length);
      // So that each looks after itself at another moment of the second.
      await Bun.sleep(120);
    }
    expect((await outcomeOf("unget", name)).status).toBe(0);
    for (const waiter of waiters) expect((await waiter.end()).status).toBe(0);
    expect(log.lines).toEqual(numbers.map(String));
  });
});

describe("a newcomer", () => {
  for (const words of [["get"], ["run"]]) {
    const command = words[0] === "run" ? ["--", "true"] : [];
    test(`${words[0]} -t 0 does not overtake one who waits for a lock that is free already`, async () => {
      const name = newLockName();
      // A peer says nothing of when it released, so that the waiter has its time from now on.
      const peer = pythonPeer(name, "hold");
      await peer.stdout.nextLine();
      const waiter = resourcelock(["run", name, "--", "true"]);
      await waiting(name, 1);
      await waiter.stop();
      await peer.endInput();
      await peer.exited();
      expect((await stateOf(name)).value).toBe(1);
      expect((await outcomeOf(...words, "-t", "0", name, ...command)).status).toBe(75);
      waiter.resume();
      expect((await waiter.end()).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }

  test("the library with a time-out of 0 does not overtake, either", async () => {
    const name = newLockName();
    const peer = pythonPeer(name, "hold");
    await peer.stdout.nextLine();
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    await waiter.stop();
    await peer.endInput();
    await peer.exited();
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
  for (const options of [["-n"], ["-t", "0.1"]]) {
    test(`run ${options.join(" ")} is granted when the first waiter is stopped, which is served later`, async () => {
      const name = newLockName();
      const { command } = await runningCommand(name);
      const stopped = resourcelock(["run", name, "--", "true"]);
      await waiting(name, 1);
      await stopped.stop();
      await killStranger(command);
      await untilGranted(name, ...options);
      stopped.resume();
      expect((await stopped.end()).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });

    test(`run ${options.join(" ")} is granted when the first waiter is stopped behind a peer`, async () => {
      const name = newLockName();
      const peer = pythonPeer(name, "hold");
      await peer.stdout.nextLine();
      const stopped = resourcelock(["run", name, "--", "true"]);
      await waiting(name, 1);
      await stopped.stop();
      await peer.endInput();
      await peer.exited();
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
