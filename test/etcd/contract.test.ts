/**
 * What every engine does alike: the one in memory, that of one host, and that of etcd. What differs by the engine's
 * nature stands here as a condition: the host blocks the thread while it waits, so that waiting is tested elsewhere.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { EtcdEngine } from "../../src/etcd/engine.ts";
import { HostEngine } from "../../src/host/engine.ts";
import type { AcquireRequest, Grant, LockEngine } from "../../src/lock/engine.ts";
import { LockNameError } from "../../src/lock/errors.ts";
import { bootSeconds } from "../../src/posix/clock.ts";
import { theCluster, useCluster } from "./engines.ts";
import { haveEtcd } from "./etcd-cluster.ts";
import { newLockName } from "../support/binary.ts";
import { MemoryEngine } from "../support/memory-engine.ts";

useCluster();

const memory = new MemoryEngine();

/** Each call opens another session. */
const makers: Record<string, () => LockEngine> = {
  memory: () => memory,
  host: () => new HostEngine({}),
  etcd: () =>
    new EtcdEngine({ servers: theCluster().servers, environment: {}, clock: bootSeconds }),
};

const once: AcquireRequest = { message: "me", timeoutSeconds: 0 };

async function take(engine: LockEngine, name: string, request = once): Promise<Grant> {
  const answer = await engine.acquire(name, request);
  if (!answer.granted) throw new Error(`not granted: ${answer.reason}`);
  return answer;
}

describe.each(Object.keys(makers))("the %s engine", (kind) => {
  const engineTest = test.skipIf(kind === "etcd" && !haveEtcd);
  let engines: LockEngine[] = [];
  const open = (): LockEngine => {
    const engine = makers[kind]?.();
    if (engine === undefined) throw new Error(`no engine ${kind}`);
    engines.push(engine);
    return engine;
  };
  afterEach(async () => {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
    engines = [];
  });

  engineTest("acquire() grants a free lock, with a token higher than the one before", async () => {
    const name = newLockName();
    const engine = open();
    const first = await take(engine, name);
    expect(first.name).toBe(name);
    expect(first.slot).toBeNull();
    expect(first.adoptedFrom).toBeUndefined();
    expect(await first.release()).toBeUndefined();
    const second = await take(engine, name);
    expect(second.token).toBeGreaterThan(first.token);
    await second.release();
  });

  engineTest("acquire() refuses a lock that another session holds", async () => {
    const name = newLockName();
    const grant = await take(open(), name);
    const refusal = await open().acquire(name, once);
    expect(refusal).toMatchObject({ granted: false, name, reason: "timeout", by: [] });
    await grant.release();
  });

  engineTest("acquire() rejects with the reason of a signal that is aborted already", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    const name = newLockName();
    const engine = open();
    expect(await engine.acquire(name, { ...once, signal }).catch(String)).toContain("too late");
    expect((await take(engine, name)).granted).toBe(true);
  });

  engineTest("acquire() throws when the name cannot be used", async () => {
    const error: unknown = await open()
      .acquire("a/b", once)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockNameError);
  });

  engineTest("acquire() lets shared holders in together, and no exclusive one", async () => {
    const name = newLockName();
    const shared: AcquireRequest = { ...once, kind: "shared" };
    const one = await take(open(), name, shared);
    const other = await take(open(), name, shared);
    expect((await open().acquire(name, once)).granted).toBe(false);
    await one.release();
    expect((await open().acquire(name, once)).granted).toBe(false);
    await other.release();
    await (await take(open(), name)).release();
  });

  engineTest("acquire() gives slots numbers of their own, and no more than there are", async () => {
    const name = newLockName();
    const slots: AcquireRequest = { ...once, kind: { slots: 2 } };
    const one = await take(open(), name, slots);
    const other = await take(open(), name, slots);
    expect(new Set([one.slot, other.slot])).toEqual(new Set([0, 1]));
    expect((await open().acquire(name, slots)).granted).toBe(false);
    await one.release();
    const third = await take(open(), name, slots);
    expect(third.slot).toBe(one.slot);
    await other.release();
    await third.release();
  });

  engineTest("inspect() tells who holds the lock", async () => {
    const name = newLockName();
    const engine = open();
    expect(await engine.inspect(name)).toBeUndefined();
    const grant = await take(engine, name);
    const state = await open().inspect(name);
    expect(state?.locked).toBe(true);
    expect(state?.state).toBe("held");
    expect(state?.info).toEndWith("me");
    expect(state?.waiters).toEqual([]);
    const [holder] = state?.holders ?? [];
    expect(holder).toMatchObject({ command: "me", kind: "exclusive", attachment: "attached" });
    expect(holder?.token).toBe(grant.token);
    await grant.release();
    expect((await engine.inspect(name))?.locked).toBe(false);
    expect((await engine.inspect(name))?.state).toBe("free");
  });

  engineTest("list() has a lock that was used", async () => {
    const name = newLockName();
    const engine = open();
    await (await take(engine, name)).release();
    expect((await engine.list()).map((each) => each.name)).toContain(name);
  });

  engineTest(
    "forceRelease() takes the lock from its holder, who is told at the release",
    async () => {
      const name = newLockName();
      const engine = open();
      expect((await engine.forceRelease(name, { by: "ops" })).outcome).toBe("missing");
      const grant = await take(engine, name);
      const spared = await open().forceRelease(name, { by: "ops", onlyToken: grant.token + 1 });
      expect(spared.outcome).toBe("not-meant");
      const forced = await open().forceRelease(name, { by: "ops", onlyToken: grant.token });
      expect(forced.outcome).toBe("released");
      expect(forced.holders.map(({ token }) => token)).toEqual([grant.token]);
      const error = await grant.release();
      expect(error?.loss.reason).toBe("forced");
      expect((await engine.forceRelease(name, { by: "ops" })).outcome).toBe("free");
    },
  );

  engineTest("detach() leaves the lock held without a process", async () => {
    const name = newLockName();
    const grant = await take(open(), name);
    expect(await grant.detach()).toBe(true);
    const state = await open().inspect(name);
    expect(state?.holders[0]).toMatchObject({ attachment: "detached", pid: null });
    expect((await open().acquire(name, once)).granted).toBe(false);
    expect((await open().forceRelease(name, { by: "ops" })).outcome).toBe("released");
    await (await take(open(), name)).release();
  });

  engineTest("history() tells how holds ended, the oldest first", async () => {
    const name = newLockName();
    const engine = open();
    expect(await engine.history(name)).toBeUndefined();
    await (await take(engine, name)).release();
    const forced = await take(engine, name);
    await open().forceRelease(name, { by: "ops" });
    await forced.release();
    const held = await take(engine, name);
    const records = ((await open().history(name)) ?? []).filter(({ token }) => token !== null);
    expect(records[0]?.ending).toBe("released");
    expect(records.find(({ token }) => token === forced.token)?.ending).toBe("forced");
    await held.release();
  });

  engineTest("writeInfo() replaces the info text until the next grant", async () => {
    const name = newLockName();
    const engine = open();
    expect(await engine.writeInfo(name, "by hand")).toBe(false);
    const grant = await take(engine, name);
    expect(await open().writeInfo(name, "by hand")).toBe(true);
    expect((await engine.inspect(name))?.info).toBe("by hand");
    await grant.release();
    await (await take(engine, name)).release();
    expect((await engine.inspect(name))?.info).toEndWith("me");
  });

  engineTest("holdAround() finds a hold by a token that the caller was told", async () => {
    const name = newLockName();
    const engine = open();
    const grant = await take(engine, name);
    expect((await open().holdAround(name, [grant.claim ?? String(grant.token)]))?.token).toBe(
      grant.token,
    );
    await grant.release();
    expect(await open().holdAround(name, [grant.claim ?? String(grant.token)])).toBeUndefined();
  });

  engineTest("watch() yields at once, and ends when its signal aborts", async () => {
    const name = newLockName();
    const grant = await take(open(), name);
    const stop = new AbortController();
    const seen: (boolean | null | undefined)[] = [];
    for await (const state of open().watch(name, { everySeconds: 0.01, signal: stop.signal })) {
      seen.push(state?.locked);
      stop.abort();
    }
    expect(seen).toEqual([true]);
    await grant.release();
  });

  engineTest("release() by the end of a block frees the lock", async () => {
    const name = newLockName();
    {
      await using grant = await take(open(), name);
      expect(grant.granted).toBe(true);
    }
    await (await take(open(), name)).release();
  });
});
