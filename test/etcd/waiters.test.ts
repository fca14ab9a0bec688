/** Waiters that are stopped or killed: the queue goes on without them when their lease has ended. */
import { describe, expect } from "bun:test";
import { binary, type Outcome, runToEnd, start, type TestProcess } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { eventually } from "../support/eventually.ts";

useCluster();

const words = (name: string, ...options: string[]) => [
  binary,
  "run",
  "--server",
  theCluster().servers,
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
  await eventually("a waiter", async () => (await theCluster().keys(`${name}/`)).length === 2);
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
    expect(await theCluster().keys("stopped/")).toEqual([]);
  });

  etcdTest("run passes a waiter that is killed, and its command never runs", async () => {
    const { holder, waiter } = await holderAndWaiter("killed");
    await waiter.kill();
    await holder.endInput();
    await holder.end();
    expect(await takeNext("killed")).toMatchObject({ status: 0, stdout: "next\n" });
    expect(waiter.stdout.text).toBe("");
    expect(await theCluster().keys("killed/")).toEqual([]);
  });
});
