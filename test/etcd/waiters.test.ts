/** Waiters that are stopped or killed: the queue goes on without them when their lease has ended. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { binary, type Outcome, runToEnd, start, type TestProcess } from "../support/process.ts";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";
import { eventually } from "../support/eventually.ts";

const etcdTest = test.skipIf(!haveEtcd);
let cluster: EtcdCluster;
beforeAll(async () => {
  if (haveEtcd) cluster = await EtcdCluster.start();
}, 60_000);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

const words = (name: string, ...options: string[]) => [
  binary,
  "run",
  "--server",
  cluster.servers,
  ...options,
  name,
];

/** A holder, and behind it a waiter with a short lease. */
async function holderAndWaiter(
  name: string,
): Promise<{ holder: TestProcess; waiter: TestProcess }> {
  const holder = start([...words(name), "sh", "-c", "echo inside; cat"]);
  await holder.stdout.until("inside");
  const waiter = start([...words(name, "--ttl", "2"), "echo", "served"]);
  await eventually("a waiter", async () => (await cluster.keys(`${name}/`)).length === 2);
  return { holder, waiter };
}

const takeNext = (name: string): Promise<Outcome> => runToEnd([...words(name), "echo", "next"]);

describe("a waiter on a server", () => {
  etcdTest("run passes a waiter that is stopped, which then queues again", async () => {
    const { holder, waiter } = await holderAndWaiter("stopped");
    await waiter.stop();
    await holder.endInput();
    await holder.end();
    expect(await takeNext("stopped")).toMatchObject({ status: 0, stdout: "next\n" });
    waiter.resume();
    const { status, stdout, stderr } = await waiter.end();
    expect({ status, stdout }).toEqual({ status: 0, stdout: "served\n" });
    expect(stderr).toContain('lost its place in the queue for lock "stopped"');
    expect(await cluster.keys("stopped/")).toEqual([]);
  });

  etcdTest("run passes a waiter that is killed, and its command never runs", async () => {
    const { holder, waiter } = await holderAndWaiter("killed");
    await waiter.kill();
    await holder.endInput();
    await holder.end();
    expect(await takeNext("killed")).toMatchObject({ status: 0, stdout: "next\n" });
    expect(waiter.stdout.text).toBe("");
    expect(await cluster.keys("killed/")).toEqual([]);
  });
});
