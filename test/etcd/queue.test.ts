/** The queue on a real etcd, alone and together with `etcdctl lock`. */
import { describe, expect } from "bun:test";
import { Gateway } from "../../src/etcd/gateway.ts";
import { formatRecord, readHistory } from "../../src/etcd/history.ts";
import { Hold } from "../../src/etcd/hold.ts";
import { operation, transaction } from "../../src/etcd/requests.ts";
import type { AcquireRequest, WaitState } from "../../src/lock/engine.ts";
import { bootSeconds } from "../../src/posix/clock.ts";
import {
  acquired,
  etcdTest,
  forever,
  newEngine,
  newName,
  once,
  theCluster,
  useCluster,
  waiting,
} from "./engines.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { eventually } from "../support/eventually.ts";

useCluster();

const keysOf = (name: string) => theCluster().keys(`${name}/`);
const leaseOf = (key: string | undefined) => key?.split("/")[1] ?? "";

describe("EtcdEngine.acquire()", () => {
  etcdTest("acquire() grants a free lock, and release() leaves no key behind", async () => {
    const name = newName();
    const grant = await acquired(newEngine().acquire(name, forever));
    expect(grant.token).toBeGreaterThan(0);
    expect(grant.info).toEndWith(" - a test");
    expect(await keysOf(name)).toHaveLength(1);
    expect(await grant.release()).toBeUndefined();
    expect(await grant.release()).toBeUndefined();
    expect(await keysOf(name)).toEqual([]);
  });

  etcdTest("acquire() grants in the order in which the requests came", async () => {
    const name = newName();
    const engine = newEngine();
    const order: number[] = [];
    const tokens: number[] = [];
    const first = await acquired(engine.acquire(name, forever));
    const others: Promise<void>[] = [];
    for (let index = 0; index < 5; index++) {
      const turn = async () => {
        const grant = await acquired(newEngine().acquire(name, forever));
        order.push(index);
        tokens.push(grant.token);
        await grant.release();
      };
      others.push(turn());
      await waiting(engine, name, index + 1);
    }
    await first.release();
    await Promise.all(others);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
    expect(tokens[0]).toBeGreaterThan(first.token);
  });

  etcdTest(
    "acquire() refuses at once when it may not wait, and never joins the queue",
    async () => {
      const name = newName();
      const grant = await acquired(newEngine().acquire(name, once));
      const refusal = await newEngine().acquire(name, once);
      expect(refusal).toMatchObject({ granted: false, name, reason: "timeout", by: [] });
      expect(await keysOf(name)).toHaveLength(1);
      await grant.release();
      expect((await newEngine().acquire(name, once)).granted).toBe(true);
    },
  );

  etcdTest("acquire() leaves the queue when time is up", async () => {
    const name = newName();
    await acquired(newEngine().acquire(name, forever));
    const began = performance.now();
    const refusal = await newEngine().acquire(name, { message: "late", timeoutSeconds: 0.5 });
    expect(refusal.granted).toBe(false);
    expect(performance.now() - began).toBeGreaterThan(490);
    expect(await keysOf(name)).toHaveLength(1);
  });

  etcdTest("acquire() leaves the queue when its signal aborts", async () => {
    const name = newName();
    const engine = newEngine();
    await acquired(engine.acquire(name, forever));
    const stop = new AbortController();
    const waiter = newEngine().acquire(name, { ...forever, signal: stop.signal });
    await waiting(engine, name, 1);
    stop.abort(new Error("interrupted"));
    expect(await waiter.catch(String)).toBe("Error: interrupted");
    expect(await keysOf(name)).toHaveLength(1);
  });

  etcdTest("acquire() lets shared holders in together, and an exclusive one alone", async () => {
    const name = newName();
    const engine = newEngine();
    const shared = { ...forever, kind: "shared" } satisfies AcquireRequest;
    const one = await acquired(newEngine().acquire(name, shared));
    const two = await acquired(newEngine().acquire(name, shared));
    const exclusive = acquired(newEngine().acquire(name, forever));
    await waiting(engine, name, 1);
    const late = acquired(newEngine().acquire(name, shared));
    await waiting(engine, name, 2);
    await one.release();
    await two.release();
    const alone = await exclusive;
    const state = await engine.inspect(name);
    expect(state?.holders).toHaveLength(1);
    expect(state?.waiters.map(({ kind }) => kind)).toEqual(["shared"]);
    await alone.release();
    await (await late).release();
  });

  etcdTest("acquire() gives each holder of slots a number of its own", async () => {
    const name = newName();
    const engine = newEngine();
    const slots = { ...forever, kind: { slots: 3, names: ["a", "b", "c"] } };
    const requests = [1, 2, 3].map(() => acquired(newEngine().acquire(name, slots)));
    const grants = await Promise.all(requests);
    expect(new Set(grants.map(({ slot }) => slot))).toEqual(new Set([0, 1, 2]));
    expect(new Set(grants.map(({ slotName }) => slotName))).toEqual(new Set(["a", "b", "c"]));
    const holders = (await engine.inspect(name))?.holders ?? [];
    expect(new Set(holders.map(({ slotName }) => slotName))).toEqual(new Set(["a", "b", "c"]));
    const fourth = acquired(newEngine().acquire(name, slots));
    await waiting(engine, name, 1);
    const freed = grants[1]?.slot;
    await grants[1]?.release();
    expect((await fourth).slot).toBe(freed ?? -1);
  });

  etcdTest("acquire() takes several locks under one lease", async () => {
    const [one, other] = [newName(), newName()];
    const engine = newEngine();
    const first = await acquired(engine.acquire(one, forever));
    const second = await acquired(engine.acquire(other, forever));
    const keys = [...(await keysOf(one)), ...(await keysOf(other))];
    expect(new Set(keys.map(leaseOf)).size).toBe(1);
    await first.release();
    expect(await keysOf(other)).toHaveLength(1);
    await second.release();
  });

  etcdTest("acquire() waits for itself when one engine asks twice", async () => {
    const name = newName();
    const engine = newEngine();
    const first = await acquired(engine.acquire(name, forever));
    const second = acquired(engine.acquire(name, forever));
    await waiting(engine, name, 1);
    await first.release();
    await (await second).release();
    expect(await keysOf(name)).toEqual([]);
  });

  etcdTest("acquire() queues again, and says so, when somebody deletes its place", async () => {
    const name = newName();
    const engine = newEngine();
    const warnings: string[] = [];
    const holder = await acquired(engine.acquire(name, forever));
    const [held] = await keysOf(name);
    const patient = newEngine({ warn: (text) => warnings.push(text) });
    const waiter = acquired(patient.acquire(name, forever));
    await waiting(engine, name, 1);
    const place = (await keysOf(name)).find((key) => key !== held) ?? "";
    await theCluster().etcdctl("del", place);
    await eventually("a warning", () => warnings.length > 0);
    await waiting(engine, name, 1);
    await holder.release();
    await (await waiter).release();
    expect(warnings[0]).toContain(`lost its place in the queue for lock "${name}"`);
  });

  etcdTest("acquire() queues again with a new lease when its lease is gone", async () => {
    const name = newName();
    const engine = newEngine();
    const holder = await acquired(engine.acquire(name, forever));
    const [held] = await keysOf(name);
    const waiter = acquired(newEngine({ ttlSeconds: 2 }).acquire(name, forever));
    await waiting(engine, name, 1);
    const place = (await keysOf(name)).find((key) => key !== held);
    await theCluster().etcdctl("lease", "revoke", leaseOf(place));
    const isNew = (key: string) => key !== held && key !== place;
    await eventually("a new place", async () => (await keysOf(name)).some(isNew));
    await holder.release();
    await (await waiter).release();
  });

  etcdTest.each([
    ["waits", forever],
    ["may not wait", once],
  ])(
    "acquire() takes a new lease when its own ended before it was in the queue, and it %s",
    async (_, request) => {
      const name = newName();
      const { servers } = theCluster();
      let lease = 0n;
      let isRevoked = false;
      await using way = new FakeGateway(async ({ path, body }) => {
        const sent = JSON.stringify(body);
        if (path.endsWith("lease/grant")) lease = BigInt(/"ID":"(\d+)"/.exec(sent)?.[1] ?? 0);
        if (path.endsWith("kv/txn") && !isRevoked) {
          isRevoked = true;
          await theCluster().etcdctl("lease", "revoke", lease.toString(16));
        }
        return await fetch(`${servers}${path}`, { method: "POST", body: sent });
      });
      const grant = await acquired(newEngine({ servers: way.url }).acquire(name, request));
      expect(await grant.release()).toBeUndefined();
    },
  );

  etcdTest("acquire() renews the leases of holders and of waiters", async () => {
    const name = newName();
    const engine = newEngine({ ttlSeconds: 2 });
    const holder = await acquired(engine.acquire(name, forever));
    const waiter = acquired(newEngine({ ttlSeconds: 2 }).acquire(name, forever));
    await waiting(engine, name, 1);
    const before = await keysOf(name);
    // Longer than both leases last unrenewed; the server looks for ended ones twice a second.
    await Bun.sleep(4000);
    expect(await keysOf(name)).toEqual(before);
    expect(holder.watchLoss().aborted).toBe(false);
    expect(await holder.release()).toBeUndefined();
    await (await waiter).release();
  });

  etcdTest("acquire() tells place, holder and host while it waits", async () => {
    const name = newName();
    const engine = newEngine();
    const holder = await acquired(engine.acquire(name, { ...forever, message: "the holder" }));
    const told = Promise.withResolvers<WaitState>();
    const onWait: AcquireRequest["onWait"] = (_, look) => told.resolve(look());
    const waiter = newEngine().acquire(name, { ...forever, onWait });
    const { place, waiting: count, holders } = await told.promise;
    expect(place).toBe(1);
    expect(count).toBe(1);
    expect(holders[0]?.command).toBe("the holder");
    expect(holders[0]?.host).toBe((await Bun.file("/proc/sys/kernel/hostname").text()).trim());
    await holder.release();
    await (await acquired(waiter)).release();
  });
});

describe("Grant of EtcdEngine", () => {
  etcdTest("watchLoss() and release() tell a forced release, and by whom", async () => {
    const name = newName();
    const grant = await acquired(newEngine({ ttlSeconds: 2 }).acquire(name, forever));
    const forced = await newEngine().forceRelease(name, { by: "ops" });
    expect(forced.outcome).toBe("released");
    expect(forced.holders[0]?.token).toBe(grant.token);
    await eventually("the loss", () => grant.watchLoss().aborted);
    const error = await grant.release();
    expect(error?.loss).toEqual({ reason: "forced", by: "ops" });
  });

  etcdTest("release() tells a forced release that nobody had noticed", async () => {
    const name = newName();
    const grant = await acquired(newEngine().acquire(name, forever));
    await newEngine().forceRelease(name, { by: "ops" });
    expect((await grant.release())?.loss).toEqual({ reason: "forced", by: "ops" });
  });

  etcdTest("watchLoss() aborts when the lease is gone", async () => {
    const name = newName();
    const grant = await acquired(newEngine({ ttlSeconds: 2 }).acquire(name, forever));
    const [key] = await keysOf(name);
    await theCluster().etcdctl("lease", "revoke", leaseOf(key));
    await eventually("the loss", () => grant.watchLoss().aborted);
    const error = await grant.release();
    expect(error?.loss.reason).toBe("expired");
    expect(error?.loss.killBySeconds).toBeLessThanOrEqual(bootSeconds());
  });

  etcdTest(
    "release() tells that the command had to stop, when the server is back by then",
    async () => {
      const grant = await acquired(newEngine().acquire(newName(), forever));
      if (!(grant instanceof Hold)) throw new TypeError("not a hold of etcd");
      // As its session does when a lease was not renewed for long.
      grant.onStop("term");
      expect(grant.watchLoss().aborted).toBe(true);
      expect((await grant.release())?.loss.reason).toBe("expired");
    },
  );

  etcdTest("detach() leaves the lock held under a lease of its own, at its place", async () => {
    const name = newName();
    const engine = newEngine();
    const grant = await acquired(newEngine().acquire(name, forever));
    const waiter = acquired(newEngine().acquire(name, forever));
    await waiting(engine, name, 1);
    expect(await grant.detach()).toBe(true);
    const state = await engine.inspect(name);
    expect(state?.holders).toHaveLength(1);
    expect(state?.holders[0]?.attachment).toBe("detached");
    expect(state?.holders[0]?.token).toBe(grant.token);
    expect(state?.holders[0]?.pid).toBeNull();
    expect(state?.waiters).toHaveLength(1);
    expect((await engine.forceRelease(name, { by: "ops" })).outcome).toBe("released");
    await (await waiter).release();
  });

  etcdTest("detach() lets the lock go after the time that it is given", async () => {
    const name = newName();
    const grant = await acquired(newEngine().acquire(name, forever));
    expect(await grant.detach({ seconds: 2 })).toBe(true);
    const next = { message: "next", timeoutSeconds: 20 };
    await (await acquired(newEngine().acquire(name, next))).release();
  });
});

describe("EtcdEngine beside etcdctl lock", () => {
  etcdTest("acquire() and etcdctl lock wait for each other, in order", async () => {
    const name = newName();
    const engine = newEngine();
    const order: string[] = [];
    const first = await acquired(engine.acquire(name, forever));
    const script = "echo $ETCD_LOCK_REV; sleep 0.3; echo end";
    const theirs = theCluster().startEtcdctl("lock", name, "--", "sh", "-c", script);
    await eventually("etcdctl waits", async () => (await keysOf(name)).length === 2);
    const last = acquired(newEngine().acquire(name, forever)).then((grant) => {
      order.push("ours");
      return grant;
    });
    await waiting(engine, name, 2);
    await first.release();
    const output = await new Response(theirs.stdout).text();
    order.unshift(...output.trim().split("\n").slice(1));
    const grant = await last;
    expect(order).toEqual(["end", "ours"]);
    const revision = Number(output.split("\n")[0]);
    expect(revision).toBeGreaterThan(first.token);
    expect(grant.token).toBeGreaterThan(revision);
    await grant.release();
  });

  etcdTest("inspect() shows a hold of etcdctl as foreign, and list() has it", async () => {
    const name = newName();
    const engine = newEngine();
    const theirs = theCluster().startEtcdctl("lock", name);
    await eventually("etcdctl holds", async () => (await engine.inspect(name)) !== undefined);
    const state = await engine.inspect(name);
    expect(state?.locked).toBe(true);
    expect(state?.holders[0]?.attachment).toBe("foreign");
    expect((await engine.list()).map((each) => each.name)).toContain(name);
    expect((await newEngine().acquire(name, once)).granted).toBe(false);
    theirs.kill("SIGTERM");
    await theirs.exited;
  });
});

describe("EtcdEngine", () => {
  etcdTest("inspect() returns undefined when there is no such lock", async () => {
    expect(await newEngine().inspect(newName())).toBeUndefined();
  });

  etcdTest("history() has releases, forced releases, holders and waiters", async () => {
    const name = newName();
    const engine = newEngine();
    const first = await acquired(engine.acquire(name, forever));
    await first.release({ exitStatus: 3 });
    const second = await acquired(engine.acquire(name, forever));
    await newEngine().forceRelease(name, { by: "ops" });
    const third = await acquired(newEngine().acquire(name, forever));
    const fourth = acquired(newEngine().acquire(name, forever));
    await waiting(engine, name, 1);
    const records = (await engine.history(name)) ?? [];
    expect(records.map(({ ending }) => ending)).toEqual(["released", "forced", "held", "waiting"]);
    const tokens = [first.token, second.token, third.token, null];
    expect(records.map(({ token }) => token)).toEqual(tokens);
    expect(records[0]?.exitStatus).toBe(3);
    await third.release();
    await (await fourth).release();
  });

  etcdTest("history() has what is left when the cluster was compacted", async () => {
    const name = newName();
    const engine = newEngine();
    const tokens: number[] = [];
    for (let index = 0; index < 4; index++) {
      const grant = await acquired(engine.acquire(name, forever));
      tokens.push(grant.token);
      await grant.release();
    }
    await theCluster().etcdctl("compact", String(await theCluster().revision()));
    const records = (await engine.history(name)) ?? [];
    expect(records.map(({ token }) => token)).toEqual(tokens.slice(-1));
  });

  etcdTest("history() reads no more than is wanted, the newest", async () => {
    const name = newName();
    const engine = newEngine();
    const tokens: number[] = [];
    for (let index = 0; index < 12; index++) {
      const grant = await acquired(engine.acquire(name, forever));
      tokens.push(grant.token);
      await grant.release();
      // Revisions that are no versions of the history.
      await theCluster().etcdctl("put", `${name}-other`, String(index));
    }
    const tokensOf = async (max: number) =>
      (await engine.history(name, { max }))?.map(({ token }) => token);
    for (const max of [1, 2, 5, 11, 12, 13]) {
      expect(await tokensOf(max)).toEqual(tokens.slice(-max));
    }
  });

  etcdTest("history() reads records that are too many for one message", async () => {
    const name = newName();
    const engine = newEngine();
    const message = "x".repeat(4000);
    await (await acquired(engine.acquire(name, { ...forever, message }))).release();
    const { members } = theCluster();
    const gateway = new Gateway({
      endpoints: members.map(({ client }) => client),
      tls: { rejectUnauthorized: true },
      credentials: undefined,
    });
    const [first] = await readHistory(gateway, name);
    if (first === undefined) throw new Error("no record");
    const put = operation.put(
      `resourcelock.history/${name}`,
      formatRecord(first.value, first),
      "0",
    );
    const write = () => gateway.call("kv/txn", transaction({ compare: [], success: [put] }));
    for (let index = 0; index < 1100; index += 50) {
      await Promise.all(Array.from({ length: 50 }, write));
    }
    expect(await engine.history(name)).toHaveLength(1000);
  });

  etcdTest("writeInfo() replaces the info text until the next grant", async () => {
    const name = newName();
    const engine = newEngine();
    expect(await engine.writeInfo(name, "x")).toBe(false);
    const grant = await acquired(engine.acquire(name, forever));
    expect(await engine.writeInfo(name, "by hand")).toBe(true);
    expect((await engine.inspect(name))?.info).toBe("by hand");
    await grant.release();
    expect((await engine.inspect(name))?.info).toBe("by hand");
    await (await acquired(engine.acquire(name, forever))).release();
    expect((await engine.inspect(name))?.info).toEndWith(" - a test");
  });

  etcdTest("watch() yields a state at each change without asking", async () => {
    const name = newName();
    const engine = newEngine();
    const stop = new AbortController();
    const seen: string[] = [];
    const follow = async () => {
      const options = { everySeconds: 60, signal: stop.signal };
      for await (const state of newEngine().watch(name, options)) {
        seen.push(`${state?.holders.length ?? 0}/${state?.waiters.length ?? 0}`);
      }
    };
    const following = follow();
    await eventually("the first state", () => seen.length === 1);
    const grant = await acquired(engine.acquire(name, forever));
    await eventually("the holder", () => seen.at(-1) === "1/0");
    await grant.release();
    await eventually("the release", () => seen.at(-1) === "0/0");
    stop.abort();
    await following;
  });

  etcdTest("forceRelease() spares holders that are not meant", async () => {
    const name = newName();
    const engine = newEngine();
    expect((await engine.forceRelease(name, { by: "ops" })).outcome).toBe("missing");
    const grant = await acquired(engine.acquire(name, forever));
    const spared = await engine.forceRelease(name, { by: "ops", onlyToken: grant.token + 1 });
    expect(spared.outcome).toBe("not-meant");
    const meant = await engine.forceRelease(name, { by: "ops", onlyOwnerPid: process.pid });
    expect(meant.outcome).toBe("released");
    expect((await engine.forceRelease(name, { by: "ops" })).outcome).toBe("free");
  });

  etcdTest("holdAround() finds the hold of this process", async () => {
    const name = newName();
    const engine = newEngine();
    const grant = await acquired(engine.acquire(name, forever));
    expect((await engine.holdAround(name, []))?.token).toBe(grant.token);
    await grant.release();
    expect(await engine.holdAround(name, [grant.claim ?? ""])).toBeUndefined();
  });
});
