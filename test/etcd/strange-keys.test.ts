/** Keys in a lock's queue as only other programs make them: their names are no UTF-8, their values are huge. */
import { describe, expect } from "bun:test";
import { request } from "../../src/etcd/channel.ts";
import { EtcdEngine } from "../../src/etcd/engine.ts";
import type { AcquireRequest } from "../../src/lock/engine.ts";
import {
  acquired,
  etcdTest,
  forever,
  newEngine,
  newName,
  theCluster,
  useCluster,
  waiting,
} from "./engines.ts";

useCluster();

/** Puts a key whose name ends in bytes of any kind. */
async function putRaw(name: string, bytes: number[], value = ""): Promise<void> {
  const key = Buffer.concat([Buffer.from(`${name}/`), Buffer.from(bytes)]).toString("base64");
  const options = { tls: { rejectUnauthorized: true }, token: undefined } as const;
  await request(
    theCluster().servers,
    "kv/put",
    { key, value: btoa(value) },
    { ...options, timeoutMilliseconds: 10_000 },
  );
}

const unget = (engine: EtcdEngine, name: string) => engine.forceRelease(name, { by: "a test" });

describe("EtcdEngine", () => {
  etcdTest("acquire() waits for each older key when two differ in no valid letter", async () => {
    const name = newName();
    const engine = newEngine();
    await putRaw(name, [0xfe]);
    let isGranted = false;
    const shared = { ...forever, kind: "shared" } satisfies AcquireRequest;
    const waiter = acquired(newEngine().acquire(name, shared)).finally(() => (isGranted = true));
    await waiting(engine, name, 1);
    await putRaw(name, [0xff]);
    // The newer key is seen, and the older one is still in the way.
    await waiting(engine, name, 2);
    const revision = await theCluster().revision();
    await theCluster().etcdctl("get", name);
    expect(isGranted).toBe(false);
    expect(await theCluster().revision()).toBe(revision);
    expect((await unget(engine, name)).outcome).toBe("released");
    await (await waiter).release();
    expect((await unget(engine, name)).outcome).toBe("released");
    expect(await theCluster().keys(`${name}/`)).toEqual([]);
  });

  etcdTest("forceRelease() removes what makes a queue too long to be read at once", async () => {
    const name = newName();
    const engine = newEngine();
    const holder = await acquired(engine.acquire(name, forever));
    const megabyte = "x".repeat(1_100_000);
    for (const number of [1, 2, 3, 4]) await putRaw(name, [0x30 + number], megabyte);
    const state = await engine.inspect(name);
    expect(state?.holders.map(({ command }) => command)).toEqual(["a test"]);
    expect(state?.waiters).toHaveLength(4);
    await holder.release();
    for (const _ of [1, 2, 3, 4]) expect((await unget(engine, name)).outcome).toBe("released");
    expect((await unget(engine, name)).outcome).toBe("free");
  });
});
