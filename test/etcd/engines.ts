/** Engines on a real etcd for tests, closed after each of them. */
import { afterAll, afterEach, beforeAll, test } from "bun:test";
import { EtcdEngine } from "../../src/etcd/engine.ts";
import type { AcquireRequest, Grant } from "../../src/lock/engine.ts";
import { bootSeconds } from "../../src/posix/clock.ts";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";
import { eventually } from "../support/eventually.ts";

let cluster: EtcdCluster | undefined;
let engines: EtcdEngine[] = [];
let lastName = 0;

/** A test that needs etcd. */
export const etcdTest = test.skipIf(!haveEtcd);

/** Starts a cluster for the tests of a file. */
export function useCluster(size = 1): void {
  beforeAll(async () => {
    if (haveEtcd) cluster = await EtcdCluster.start(size);
  }, 60_000);
  afterAll(async () => await cluster?.[Symbol.asyncDispose]());
  afterEach(async () => {
    await Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
    engines = [];
  });
}

export function theCluster(): EtcdCluster {
  if (cluster === undefined) throw new Error("call useCluster() first");
  return cluster;
}

export function newEngine(
  options: { ttlSeconds?: number; warn?: (text: string) => void; servers?: string } = {},
): EtcdEngine {
  const engine = new EtcdEngine({
    servers: theCluster().servers,
    environment: {},
    clock: bootSeconds,
    ...options,
  });
  engines.push(engine);
  return engine;
}

export function newName(): string {
  lastName += 1;
  return `lock-${process.pid}-${lastName}`;
}

export const forever = { message: "a test", timeoutSeconds: Infinity } satisfies AcquireRequest;
export const once = { message: "a test", timeoutSeconds: 0 } satisfies AcquireRequest;

/** The grant that an acquire() must come to. */
export async function acquired(promise: ReturnType<EtcdEngine["acquire"]>): Promise<Grant> {
  const answer = await promise;
  if (!answer.granted) throw new Error(`not granted: ${answer.reason}`);
  return answer;
}

/** Waits until so many wait for a lock. */
export async function waiting(engine: EtcdEngine, name: string, count: number): Promise<void> {
  await eventually(
    `${count} waiters of ${name}`,
    async () => (await engine.inspect(name))?.waiters.length === count,
  );
}
