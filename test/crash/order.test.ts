/** In which order those who wait are served. */
import { describe, expect, test } from "bun:test";
import { casesOf, isWhole, newLockName } from "../support/binary.ts";
import { killStranger, type TestProcess } from "../support/process.ts";
import {
  atRest,
  outcomeOf,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { OrderLog, queueUp, startWaiter, holds } from "./waiters.ts";

const rounds = isWhole ? 10 : 1;

describe("20 wait behind one holder: run, get and the library in turn", () => {
  for (let round = 1; round <= rounds; round++) {
    test(`they are served in the order in which they came (${round} of ${rounds})`, async () => {
      const name = newLockName();
      using log = new OrderLog();
      const { holder, command } = await runningCommand(name);
      const numbers = Array.from({ length: 20 }, (_, index) => index + round);
      const waiters = await queueUp(name, numbers, (number) => startWaiter(name, log, number));
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

describe("the first of three who wait is stopped", () => {
  for (const [title, hold] of casesOf(3, Object.entries(holds))) {
    test(`when ${title}, the others are served in order, and it gets its turn when it goes on`, async () => {
      const name = newLockName();
      using log = new OrderLog();
      const release = await hold(name);
      const [first, ...others] = await queueUp(name, [1, 2, 3], (number) =>
        resourcelock(["run", name, "--", "sh", "-c", `echo ${number} >>${log.path}`]),
      );
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

describe("waiters that are killed or stopped before it is their turn", () => {
  test("they are skipped, and the stopped one is served when it goes on", async () => {
    const name = newLockName();
    using log = new OrderLog();
    const { command } = await runningCommand(name);
    const [zero, one, two, three, four, five] = await queueUp(name, [0, 1, 2, 3, 4, 5], (number) =>
      startWaiter(name, log, number),
    );
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
