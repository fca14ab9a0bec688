/** The engine of one host keeps the contract. */
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { HostEngine } from "../../src/host/engine.ts";
import { newcomerOf } from "../../src/host/ledger/newcomer.ts";
import { ResourceLock } from "../../src/index.ts";
import type { AcquireRequest, Grant, Refusal } from "../../src/lock/engine.ts";
import { LockLostError, LockNameError } from "../../src/lock/errors.ts";
import { newLockName } from "../support/binary.ts";
import { StepwiseLock } from "../support/stepwise-lock.ts";

const atOnce: AcquireRequest = { message: "engine test", timeoutSeconds: 0 };

let engine: HostEngine;
let name: string;

beforeEach(() => {
  engine = new HostEngine();
  name = newLockName();
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
});

/** @throws when it was refused */
function grantOf(answer: Grant | Refusal): Grant {
  if (answer.granted) return answer;
  throw new Error(`refused: ${answer.reason}`);
}

describe("acquire()", () => {
  test("warns of access that an existing lock does not have, once it is asked for", async () => {
    await grantOf(await engine.acquire(name, atOnce)).release();
    const warnings: string[] = [];
    await using asking = new HostEngine({ mode: 0o660, warn: (text) => warnings.push(text) });
    await grantOf(await asking.acquire(name, atOnce)).release();
    expect(warnings).toEqual([expect.stringContaining("--mode has no effect")]);
    const other = newLockName();
    await grantOf(await asking.acquire(other, atOnce)).release();
    expect(warnings).toHaveLength(1);
  });

  test("grants a free lock without a turn of the event loop", async () => {
    let turns = 0;
    const ticking = setImmediate(() => (turns += 1));
    const grant = grantOf(await engine.acquire(name, atOnce));
    expect(turns).toBe(0);
    clearImmediate(ticking);
    expect(grant.name).toBe(name);
    expect(grant.info).toEndWith(" - engine test");
    expect(grant.slot).toBeNull();
    await grant.release();
  });

  test("refuses with a timeout, and leaves the queue, when the lock is held", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const refusal = { granted: false, name, reason: "timeout", by: [] } as const;
    expect(await engine.acquire(name, atOnce)).toEqual(refusal);
    expect(await engine.acquire(name, { ...atOnce, timeoutSeconds: 0.05 })).toEqual(refusal);
    expect((await engine.inspect(name))?.waiters).toEqual([]);
    await grant.release();
  });

  test("tells the place, the holders and itself around when the wait begins", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const seen: unknown[] = [];
    await engine.acquire(name, {
      message: "second",
      timeoutSeconds: 0.05,
      onWait(waitedSeconds, tell) {
        const { place, waiting, holders, around } = tell();
        seen.push({
          begins: waitedSeconds < 0.05,
          place,
          waiting,
          tokens: holders.map(({ token }) => token),
          around: around?.pid,
        });
      },
    });
    expect(seen[0]).toEqual({
      begins: true,
      place: 1,
      waiting: 1,
      tokens: [grant.token],
      around: process.pid,
    });
    await grant.release();
  });

  test("rejects with the signal's reason, and takes nothing, when it is aborted just after the grant", async () => {
    const abort = new AbortController();
    const reason = new Error("no longer needed");
    const request = engine.acquire(name, { message: "", timeoutSeconds: 0, signal: abort.signal });
    abort.abort(reason);
    expect(await request.catch((error: unknown) => error)).toBe(reason);
    expect((await engine.inspect(name))?.holders).toEqual([]);
  });

  test("rejects with the signal's reason, and takes nothing, when it is aborted while it waits", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const controller = new AbortController();
    const waits = engine.acquire(name, {
      message: "second",
      timeoutSeconds: Infinity,
      signal: controller.signal,
      onWait: () => controller.abort(new Error("enough")),
    });
    expect(waits).rejects.toThrow("enough");
    await grant.release();
    expect((await engine.inspect(name))?.state).toBe("free");
  });

  test("numbers and names the slots", async () => {
    const kind = { slots: 2, names: ["ttyUSB0", "ttyUSB1"] };
    const grants = [
      await engine.acquire(name, { ...atOnce, kind }),
      await engine.acquire(name, { ...atOnce, kind }),
    ].map(grantOf);
    expect(grants.map(({ slot }) => slot)).toEqual([0, 1]);
    expect(grants.map(({ slotName }) => slotName)).toEqual(["ttyUSB0", "ttyUSB1"]);
    expect((await engine.acquire(name, { ...atOnce, kind })).granted).toBe(false);
    for (const grant of grants) await grant.release();
  });

  test("cuts a message to the room there is only when it may", async () => {
    using _small = new ResourceLock(name, { sharedMemorySize: 40 });
    const message = "ä".repeat(50);
    expect(engine.acquire(name, { ...atOnce, message })).rejects.toThrow("Cannot store");
    const grant = grantOf(await engine.acquire(name, { ...atOnce, message, cutMessage: true }));
    expect(grant.info).toEndWith(` - ${"ä".repeat(5)}`);
    await grant.release();
  });

  test("refuses at once when more wait than it may wait behind", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const request = { ...atOnce, timeoutSeconds: Infinity, maxWaiters: 0 };
    const refusal = { granted: false, name, reason: "crowded", by: [] };
    expect(await engine.acquire(name, request)).toMatchObject(refusal);
    await grant.release();
  });

  test("looks for a deadlock after a second, and finds none in a wait for its own process", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const looked = spyOn(engine, "inspect");
    const answer = await engine.acquire(name, { ...atOnce, timeoutSeconds: 2.2 });
    expect(answer).toMatchObject({ granted: false, reason: "timeout" });
    expect(looked).toHaveBeenCalledWith(name);
    expect(await engine.deadlocks()).not.toContainEqual([
      expect.objectContaining({ lockName: name }),
    ]);
    await grant.release();
  });

  test("creates nothing when the message is too long for a new lock, or the name is none", async () => {
    expect(engine.acquire(name, { ...atOnce, message: "a".repeat(5000) })).rejects.toThrow(
      "Cannot store",
    );
    expect(await engine.inspect(name)).toBeUndefined();
    expect(engine.acquire("a/b", atOnce)).rejects.toThrow(LockNameError);
  });
});

describe("Grant", () => {
  test("release() tells that the lock was lost by force, and every later release the same", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const forced = await engine.forceRelease(name, { by: "test" });
    expect(forced.outcome).toBe("released");
    expect(forced.holders).toMatchObject([{ pid: process.pid, token: grant.token }]);
    const loss = await grant.release();
    expect(loss).toBeInstanceOf(LockLostError);
    expect(loss?.loss.reason).toBe("forced");
    expect(loss !== undefined && (await grant.release()) === loss).toBe(true);
  });

  test("findLoss() tells of a newer request that wants a hold that may be replaced", async () => {
    const grant = grantOf(await engine.acquire(name, { ...atOnce, replace: true }));
    expect(grant.findLoss()).toBeUndefined();
    using newer = new StepwiseLock(name);
    const attempt = newer.request({ message: "newer", newcomer: newcomerOf({ replace: true }) });
    expect(attempt.tryAdvance()).toBe(false);
    expect(grant.findLoss()?.loss).toEqual({
      reason: "replaced",
      by: `pid ${process.pid} (newer)`,
      newer: { pid: process.pid, command: "newer" },
    });
    expect(grant.watchLoss().aborted).toBe(true);
    attempt.withdraw();
    await grant.release();
  });

  test("findLoss() tells of a damaged ledger once it is gone, as others are refused until then", async () => {
    const grant = grantOf(await engine.acquire(name, { ...atOnce, replace: true }));
    const ledger = `/dev/shm/${name}.ledger`;
    writeFileSync(ledger, "garbage!", { flag: "r+" });
    expect(grant.findLoss()).toBeUndefined();
    rmSync(ledger);
    expect(grant.findLoss()?.loss).toEqual({ reason: "forced" });
    await grant.release();
  });

  test("findLoss() tells of a semaphore that lets peers in, be its value beyond all reason", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    writeFileSync(`/dev/shm/sem.${name}`, Uint8Array.of(255, 255, 255, 127), { flag: "r+" });
    expect(grant.findLoss()?.loss).toEqual({ reason: "forced" });
    await grant.release();
  });

  test("watchLoss() aborts when the lock is forced away", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const signal = grant.watchLoss();
    expect(grant.watchLoss()).toBe(signal);
    const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
    signal.addEventListener("abort", () => resolve(signal.reason));
    await engine.forceRelease(name, { by: "test" });
    expect(await aborted).toBeInstanceOf(LockLostError);
  });

  test("detach() leaves the lock held, bound to a process or to none", async () => {
    const one = grantOf(await engine.acquire(name, atOnce));
    expect(await one.detach()).toBe(true);
    expect((await engine.inspect(name))?.holders).toMatchObject([{ attachment: "detached" }]);
    await engine.forceRelease(name, { by: "test" });
    const other = grantOf(await engine.acquire(name, { ...atOnce, ownerProcess: process.pid }));
    expect(await other.detach({ process: process.pid })).toBe(true);
    expect((await engine.inspect(name))?.holders).toMatchObject([
      { attachment: "bound", pid: process.pid },
    ]);
    await engine.forceRelease(name, { by: "test" });
  });
});

describe("forceRelease()", () => {
  test("spares a hold that is not the one that is meant", async () => {
    const grant = grantOf(await engine.acquire(name, atOnce));
    const spared = await engine.forceRelease(name, { by: "test", onlyToken: grant.token - 1 });
    expect(spared.outcome).toBe("not-meant");
    expect(spared.holders).toMatchObject([{ token: grant.token }]);
    expect((await engine.forceRelease(name, { by: "test", onlyOwnerPid: 1 })).outcome).toBe(
      "not-meant",
    );
    expect(await grant.release()).toBeUndefined();
  });

  test("says free and missing", async () => {
    expect(await engine.forceRelease(name, { by: "test" })).toEqual({
      outcome: "missing",
      holders: [],
    });
    await grantOf(await engine.acquire(name, atOnce)).release();
    expect(await engine.forceRelease(name, { by: "test", onlyToken: 1 })).toEqual({
      outcome: "free",
      holders: [],
    });
  });
});

describe("inspect() and watch()", () => {
  test("tell nothing of a lock that is not there, and what is held of one that lost its semaphore", async () => {
    expect(await engine.inspect(name)).toBeUndefined();
    const grant = grantOf(await engine.acquire(name, atOnce));
    rmSync(`/dev/shm/sem.${name}`);
    await using onlooker = new HostEngine();
    expect(await onlooker.inspect(name)).toMatchObject({
      exists: false,
      locked: true,
      value: null,
    });
    await grant.release();
  });

  test("watch() yields each state, and ends when it is aborted", async () => {
    const controller = new AbortController();
    const seen: (string | undefined)[] = [];
    let grant: Grant | undefined;
    for await (const state of engine.watch(name, {
      everySeconds: 0.002,
      signal: controller.signal,
    })) {
      if (state?.state === seen.at(-1) && seen.length > 0) continue;
      seen.push(state?.state);
      if (state === undefined) grant = grantOf(await engine.acquire(name, atOnce));
      else if (state.locked === true) await grant?.release();
      else controller.abort();
    }
    expect(seen).toEqual([undefined, "held", "free"]);
  });
});

test("holdAround() finds the hold of an ancestor, and one with a token that is vouched for", async () => {
  expect(await engine.holdAround(name, [])).toBeUndefined();
  const grant = grantOf(await engine.acquire(name, atOnce));
  expect((await engine.holdAround(name, []))?.token).toBe(grant.token);
  await grant.detach();
  expect(await engine.holdAround(name, [])).toBeUndefined();
  // A detached hold has no process that could be around this one.
  expect(await engine.holdAround(name, [grant.claim ?? String(grant.token)])).toBeUndefined();
  await engine.forceRelease(name, { by: "test" });
});

test("writeInfo() and history() know a lock that is there, and no other", async () => {
  expect(await engine.writeInfo(name, "idle")).toBe(false);
  expect(await engine.history(name)).toBeUndefined();
  await grantOf(await engine.acquire(name, atOnce)).release();
  expect(await engine.writeInfo(name, "idle")).toBe(true);
  expect((await engine.inspect(name))?.info).toBe("idle");
  expect(await engine.history(name)).toMatchObject([{ ending: "released" }]);
});

test("list() and deadlocks() look at the locks of the host", async () => {
  const grant = grantOf(await engine.acquire(name, atOnce));
  const mine = (locks: readonly { readonly name: string }[]) =>
    locks.filter((lock) => lock.name === name).length;
  expect(mine(await engine.list())).toBe(1);
  expect(mine(await engine.list({ onlyStale: true }))).toBe(0);
  expect(JSON.stringify(await engine.deadlocks())).not.toContain(name);
  await grant.release();
});
