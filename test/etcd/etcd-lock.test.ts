/** The library's lock on etcd. */
import { describe, expect, spyOn, test } from "bun:test";
import { EtcdEngine } from "../../src/etcd/engine.ts";
import { EtcdLock } from "../../src/etcd/etcd-lock.ts";
import { LockClosedError, LockLostError } from "../../src/lock/errors.ts";
import { etcdTest, newName, theCluster, useCluster } from "./engines.ts";
import { eventually } from "../support/eventually.ts";
import { runToEnd } from "../support/process.ts";

useCluster();

const lockOf = (name: string, ttlSeconds?: number) =>
  new EtcdLock(name, {
    servers: theCluster().servers,
    environment: {},
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  });

/** Runs `act` between each grant of an engine and its promise. */
function afterGrant(act: () => void): Disposable {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its engine
  const { acquire: original } = EtcdEngine.prototype;
  return spyOn(EtcdEngine.prototype, "acquire").mockImplementation(async function acquire(
    this: EtcdEngine,
    ...request
  ) {
    const answer = await original.apply(this, request);
    act();
    return answer;
  });
}

test.each([
  [{ servers: 7 }, TypeError, "Cannot take 7 for servers: give a string"],
  [{ servers: [null] }, TypeError, "Cannot take null for servers: give a string"],
  [{ onWarning: true }, TypeError, "Cannot take true for onWarning: give a function"],
  [{ ttlSeconds: 0.5 }, RangeError, "Cannot let a lock outlive its holder for 0.5 seconds: "],
  [null, TypeError, "Cannot take null for options: "],
])("new EtcdLock() refuses %j in words", (options, kind, text) => {
  const open = () => Reflect.construct(EtcdLock, ["x", options]);
  expect(open).toThrow(kind);
  expect(open).toThrow(text);
});

describe("EtcdLock", () => {
  etcdTest("acquire() gives a guard that releases at the end of its block", async () => {
    await using lock = lockOf(newName());
    {
      await using guard = await lock.acquire({ lockInfo: "me" });
      expect(guard?.token).toBeGreaterThan(0);
      expect(guard?.slot).toBe(0);
      expect((await lock.status())?.holders[0]?.command).toBe("me");
      expect(await lock.acquire({ timeout: 0 })).toBeUndefined();
    }
    expect((await lock.status())?.locked).toBe(false);
  });

  etcdTest("acquire() throws when the options contradict each other", async () => {
    await using lock = lockOf(newName());
    expect(await lock.acquire({ shared: true, slots: 2 }).catch(String)).toContain(
      "both shared and in slots",
    );
    expect(await lock.acquire({ slots: 0 }).catch(String)).toContain("from 1 to 1023");
  });

  etcdTest("acquire() refuses a value of another type in words, and takes nothing", async () => {
    await using lock = lockOf(newName());
    const errorOf = async (options: unknown) => {
      const acquired: unknown = Reflect.apply(lock.acquire.bind(lock), lock, [options]);
      return await Promise.resolve(acquired).catch(String);
    };
    expect(await errorOf({ timeout: true })).toStartWith("TypeError: Cannot wait for true: ");
    expect(await errorOf({ lockInfo: null })).toBe(
      "TypeError: Cannot take null for lockInfo: give a string",
    );
    expect(await errorOf({ signal: {} })).toBe(
      "TypeError: Cannot take an object for signal: give an AbortSignal",
    );
    expect(await errorOf("5s")).toStartWith('TypeError: Cannot take "5s" for options: ');
    expect(await lock.status()).toBeUndefined();
  });

  etcdTest("acquire() releases its grant when its signal is aborted just after that", async () => {
    const name = newName();
    await using lock = lockOf(name);
    const abort = new AbortController();
    const reason = new Error("no longer needed");
    using _ = afterGrant(() => abort.abort(reason));
    const error: unknown = await lock
      .acquire({ signal: abort.signal })
      .catch((caught: unknown) => caught);
    expect(error).toBe(reason);
    expect((await lock.status())?.locked).toBe(false);
  });

  etcdTest("acquire() rejects with LockClosedError when closed just after its grant", async () => {
    const name = newName();
    await using other = lockOf(name);
    const lock = lockOf(name);
    let closing: Promise<void> | undefined;
    using _ = afterGrant(() => {
      closing = lock.close();
    });
    expect(await lock.acquire().catch((error: unknown) => error)).toBeInstanceOf(LockClosedError);
    await closing;
    expect((await other.status())?.locked).toBe(false);
    expect(await theCluster().keys(`${name}/`)).toEqual([]);
  });

  etcdTest("acquire() leaves nothing held when the lock is closed in the same turn", async () => {
    const name = newName();
    await using other = lockOf(name);
    const lock = lockOf(name);
    const requests = Promise.allSettled([lock.acquire(), lock.acquire({ timeout: 0 })]);
    await lock.close();
    for (const outcome of await requests) {
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(LockClosedError) });
    }
    expect((await other.status())?.locked ?? false).toBe(false);
    expect(await theCluster().keys(`${name}/`)).toEqual([]);
  });

  etcdTest(
    "withLock() gives the result of its function, and releases when that throws",
    async () => {
      await using lock = lockOf(newName());
      expect(await lock.withLock((_, guard) => guard.token)).toBeGreaterThan(0);
      const failing = lock.withLock(() => {
        throw new Error("no");
      });
      expect(await failing.catch(String)).toBe("Error: no");
      expect((await lock.status())?.locked).toBe(false);
    },
  );

  etcdTest("withLock() says that the function comes first, and takes nothing", async () => {
    await using lock = new EtcdLock(newName(), { servers: theCluster().servers.split(",") });
    const swapped: unknown = Reflect.apply(lock.withLock.bind(lock), lock, [{}, () => 1]);
    expect(await Promise.resolve(swapped).catch(String)).toEndWith(
      "give the function first, then the options",
    );
    expect(await lock.status()).toBeUndefined();
    expect(await lock.withLock(() => 2)).toBe(2);
  });

  etcdTest("withLock() aborts its signal and throws when the lock is lost", async () => {
    const name = newName();
    await using lock = lockOf(name, 2);
    const work = async (signal: AbortSignal) => {
      const [key = ""] = await theCluster().keys(`${name}/`);
      await theCluster().etcdctl("lease", "revoke", key.split("/")[1] ?? "");
      await eventually("the loss", () => signal.aborted);
    };
    const error: unknown = await lock.withLock(work).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockLostError);
  });

  etcdTest(
    "withLock() throws when its function kept the thread longer than the lease",
    async () => {
      await using lock = lockOf(newName(), 2);
      const error: unknown = await lock
        .withLock(() => Bun.sleepSync(4000))
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockLostError);
    },
  );

  etcdTest("signal is aborted when the lock is asked for again after the lease's end", async () => {
    await using lock = lockOf(newName(), 2);
    const guard = await lock.acquire({ shared: true });
    Bun.sleepSync(4000);
    // The first thing that happens then, before a timer.
    await using other = await lock.acquire({ timeout: 0, shared: true });
    expect(other?.token).toBeGreaterThan(guard?.token ?? Infinity);
    await eventually("the loss", () => guard?.signal.aborted === true);
    expect(await guard?.release()).toBe(false);
  });

  etcdTest("close() ends requests that wait, for good", async () => {
    const name = newName();
    await using holder = lockOf(name);
    const guard = await holder.acquire();
    const lock = lockOf(name);
    const waiting = lock.acquire().catch((reason: unknown) => reason);
    await eventually("a waiter", async () => (await holder.status())?.waiters.length === 1);
    await lock.close();
    expect(await waiting).toBeInstanceOf(LockClosedError);
    expect((await holder.status())?.waiters).toEqual([]);
    expect(await guard?.release()).toBe(true);
    expect((await holder.status())?.locked).toBe(false);
    expect(await lock.acquire().catch((reason: unknown) => reason)).toBeInstanceOf(LockClosedError);
  });

  etcdTest("close() releases what is held, and aborts its signal", async () => {
    const name = newName();
    const lock = lockOf(name);
    const error: unknown = await lock
      .withLock(async (signal) => {
        await lock.close();
        expect(signal.aborted).toBe(true);
      })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockClosedError);
    await using other = lockOf(name);
    expect((await other.status())?.locked).toBe(false);
    expect(await theCluster().keys(`${name}/`)).toEqual([]);
  });

  etcdTest("watch() yields at each change", async () => {
    await using lock = lockOf(newName());
    const stop = new AbortController();
    const seen: (boolean | null | undefined)[] = [];
    const follow = async () => {
      for await (const state of lock.watch({ signal: stop.signal })) seen.push(state?.locked);
    };
    const following = follow();
    await eventually("the first state", () => seen.length === 1);
    await lock.withLock(async () => await eventually("the holder", () => seen.includes(true)));
    await eventually("the release", () => seen.at(-1) === false);
    stop.abort();
    await following;
  });

  etcdTest(
    "watch() keeps no renewal waiting when there are more than Bun has requests",
    async () => {
      const script = `${import.meta.dir}/many-watches.ts`;
      const outcome = await runToEnd([process.execPath, script, theCluster().servers]);
      expect(outcome).toEqual({ status: 0, stdout: "begun: 260, lost: false\n", stderr: "" });
    },
  );
});
