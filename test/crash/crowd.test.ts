/** As many participants of one lock as there can be. */
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { LockFullError, ResourceLock } from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";
import { atRest, libraryUser, outcomeOf, resourcelock, stateOf, waiting } from "./participants.ts";
import { ledgerOf } from "./waiters.ts";

describe("1,023 participants at once", () => {
  test("hold and wait as fewer do; one more gets a clear error; afterwards the ledger is small again", async () => {
    const name = newLockName();
    // In a process of its own: a run does not wait for what a process around it holds.
    const crowd = libraryUser(name, { shared: true, timeout: 0, count: 1022 });
    expect(await crowd.stdout.nextLine()).toStartWith("granted");
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    expect((await stateOf(name)).holders).toHaveLength(1022);

    using oneMore = new ResourceLock(name);
    expect(() => oneMore.getLock({ shared: true, timeout: 0 })).toThrow(LockFullError);
    expect(oneMore.acquire({ timeout: null })).rejects.toThrow(LockFullError);
    const { status, stderr } = await outcomeOf("run", name, "--", "true");
    expect(stderr).toBe(
      `resourcelock: Cannot wait for lock "${name}": 1023 others already hold it or wait for it\n`,
    );
    expect(status).toBe(71);

    await crowd.tell("release\n");
    expect(await crowd.stdout.nextLine()).toBe("released true");
    expect((await waiter.end()).status).toBe(0);
    expect(oneMore.getLock({ timeout: 0 })).toBe(true);
    expect(oneMore.ungetLock()).toBe(true);
    await crowd.endInput();
    await crowd.exited();
    expect(statSync(ledgerOf(name)).size).toBeLessThanOrEqual(16_384);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("that are all killed leave a lock that works, and a ledger that gets small again", async () => {
    const name = newLockName();
    const crowd = libraryUser(name, { shared: true, count: 1000 });
    await crowd.stdout.nextLine();
    expect(statSync(ledgerOf(name)).size).toBeGreaterThan(100_000);
    await crowd.kill();
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(0);
    expect(statSync(ledgerOf(name)).size).toBeLessThanOrEqual(16_384);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("that wait are all served", async () => {
    const name = newLockName();
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    const lock = new ResourceLock(name);
    let served = 0;
    const all = Array.from({ length: 300 }, async () => {
      using guard = await lock.acquire({ timeout: null });
      if (guard !== undefined) served += 1;
    });
    await waiting(name, 300);
    await holder.tell("release\n");
    await Promise.all(all);
    lock.close();
    expect(served).toBe(300);
    expect(statSync(ledgerOf(name)).size).toBeLessThanOrEqual(16_384);
  });
});
