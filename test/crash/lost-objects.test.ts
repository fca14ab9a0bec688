/** The objects of a lock are deleted or replaced while it is in use. */
import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { ResourceLock } from "../../src/index.ts";
import { casesOf, isWhole, newLockName } from "../support/binary.ts";
import { isAlive, killStranger } from "../support/process.ts";
import {
  atRest,
  bash,
  faultAt,
  launch,
  libraryUser,
  outcomeOf,
  pythonPeer,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import {
  expectAllServed,
  infoOf,
  isPending,
  ledgerOf,
  semaphoreOf,
  threeWaiters,
} from "./waiters.ts";

/** What may happen to a semaphore that is in use. */
const losses: Record<string, (lockName: string) => Promise<void>> = {
  "is deleted": async (name) => rmSync(semaphoreOf(name)),
  "is deleted, and state is asked": async (name) => {
    rmSync(semaphoreOf(name));
    await outcomeOf("state", name);
  },
  "is deleted, and a newcomer makes it anew": async (name) => {
    rmSync(semaphoreOf(name));
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
  },
  "is deleted, and a peer makes a free one": async (name) => {
    rmSync(semaphoreOf(name));
    await pythonPeer(name, "state").exited();
  },
};

describe("the semaphore", () => {
  test("unget releases a holder's lock when a peer has made a free semaphore under it", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    await losses["is deleted, and a peer makes a free one"]?.(name);
    expect(await stateOf(name)).toMatchObject({ locked: true, value: 1 });
    expect((await outcomeOf("unget", name)).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(0);
    expect((await outcomeOf("unget", name)).status).toBe(1);
    await killStranger(command);
    expect((await holder.end()).stderr).toContain("was released by force");
  });

  const cases = Object.entries(losses).flatMap(([title, lose]) =>
    ["releases", "is killed"].map((end) => ({ title, lose, end })),
  );
  for (const { title, lose, end } of casesOf(2, cases)) {
    test(`${title} under a holder and those who wait: nobody else gets in, and all are served once the holder ${end}`, async () => {
      const name = newLockName();
      const { holder, command } = await runningCommand(name);
      const waiters = await threeWaiters(name);
      await lose(name);
      expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
      const before = waiters.map(({ hasEnded }) => hasEnded);
      expect([isAlive(command), ...before]).toEqual([true, false, false, false]);
      if (end === "is killed") await holder.kill();
      await killStranger(command);
      await holder.exited();
      await expectAllServed(waiters);
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }

  test("and the info segment are deleted, as at a logout: nobody else gets in while the ledger lives", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const waiters = await threeWaiters(name);
    rmSync(semaphoreOf(name));
    rmSync(infoOf(name));
    expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
    await killStranger(command);
    await holder.exited();
    await expectAllServed(waiters);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("is deleted again and again under a crowd of runs: never two at once, and all are served", async () => {
    const name = newLockName();
    const witness = `/dev/shm/${name}.witness`;
    const script = `for i in $(seq ${isWhole ? 15 : 5}); do "$RESOURCELOCK" run ${name} -- sh -c 'mkdir ${witness} && sleep 0.01 && rmdir ${witness}' || exit; done`;
    const shells = [1, 2, 3, 4].map(() => launch(["sh", "-c", script]));
    const statuses = Promise.all(shells.map((shell) => shell.exited()));
    while (await isPending(statuses)) rmSync(semaphoreOf(name), { force: true });
    expect(await statuses).toEqual([0, 0, 0, 0]);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });
});

describe("the info segment is deleted", () => {
  const cases = ["taken", "freed"].flatMap((point) =>
    ["run", "the library"].map((waiter) => ({ point, waiter })),
  );
  for (const { point, waiter } of casesOf(2, cases)) {
    test(`and a run dies at "${point}" before and after: ${waiter} takes over within seconds`, async () => {
      const deleted = [true, false].map(async (isDeletedBefore) => {
        const name = newLockName();
        await outcomeOf("run", name, "--", "true");
        if (isDeletedBefore) rmSync(infoOf(name));
        await resourcelock(["run", name, "--", "true"], faultAt(point)).exited();
        if (!isDeletedBefore) rmSync(infoOf(name));
        await expectServed(name, waiter);
      });
      await Promise.all(deleted);
    });
  }

  test("under a hold whose owner dies then: the next one takes over", async () => {
    const name = newLockName();
    const script = bash(`resourcelock get -q ${name} --owner-pid $$; echo held; read line`);
    expect(await script.stdout.nextLine()).toBe("held");
    rmSync(infoOf(name));
    await script.kill();
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "stale" }]);
    await expectServed(name, "run");
  });

  for (const waiter of ["run", "the library"]) {
    test(`under a peer's hold: ${waiter} does not get in before the peer has released`, async () => {
      const name = newLockName();
      await outcomeOf("run", name, "--", "true");
      const peer = pythonPeer(name, "hold");
      expect(await peer.stdout.nextLine()).toBe("held");
      rmSync(infoOf(name));
      if (waiter === "run") {
        expect((await outcomeOf("run", "-t", "2.5", name, "--", "true")).status).toBe(75);
      } else {
        const user = libraryUser(name, { timeout: 2.5 });
        expect(await user.stdout.nextLine()).toBe("not granted");
      }
      await peer.tell("\n");
      expect(await peer.exited()).toBe(0);
      await expectServed(name, waiter);
    });
  }
});

/** A waiter gets the lock in time, and gives it back. */
async function expectServed(lockName: string, waiter: string): Promise<void> {
  if (waiter === "run") {
    expect((await outcomeOf("run", "-t", "20", lockName, "--", "true")).status).toBe(0);
  } else {
    const user = libraryUser(lockName, { timeout: 20 });
    expect(await user.stdout.nextLine()).toStartWith("granted");
    await user.tell("release\n");
    expect(await user.stdout.nextLine()).toBe("released true");
  }
  expect(await stateOf(lockName)).toMatchObject(atRest);
}

describe("the ledger is deleted", () => {
  test("under a holder and those who wait: they go on in a new one, and nobody gets in before the holder has released", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const waiters = await threeWaiters(name);
    rmSync(ledgerOf(name));
    expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
    await waiting(name, 3);
    await killStranger(command);
    await holder.exited();
    await expectAllServed(waiters);
    expect(await stateOf(name)).toMatchObject(atRest);
  });
});

test("a peer that recreated the info segment alone is not taken for one that died", async () => {
  const name = newLockName();
  using lock = new ResourceLock(name);
  lock.getLock({ lockInfo: "before" });
  lock.ungetLock();
  rmSync(infoOf(name));
  const peer = pythonPeer(name, "hold", "--info", "alive");
  await peer.stdout.nextLine();
  expect(lock.getLock({ timeout: 2.5 })).toBe(false);
  await peer.endInput();
  await peer.exited();
  expect(lock.getLock({ timeout: 30 })).toBe(true);
});
