/** A client that is stopped while its command runs: `etcdctl lock` lets somebody else in beside it, `run` does not. */
import { describe, expect } from "bun:test";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { binary, start, type TestProcess } from "../support/process.ts";
import { eventually } from "../support/eventually.ts";

const ttlSeconds = 2;
useCluster();

/** Prints a dot ten times a second; for a minute at most, so that no failure leaves it behind. */
const command = ["sh", "-c", "echo inside; for i in $(seq 600); do echo .; sleep 0.1; done"];

const environment = () => ({ ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: theCluster().servers });

async function startInside(...words: string[]): Promise<TestProcess> {
  const client = start([...words, ...command], { env: environment() });
  await client.stdout.until("inside");
  return client;
}

const startRival = (name: string) =>
  start(["etcdctl", "lock", name, "--", "sh", "-c", "echo rival; sleep 60"], {
    env: environment(),
  });

/** Waits until the command has printed more. */
async function livesOn({ stdout }: TestProcess): Promise<void> {
  const before = stdout.text.length;
  await eventually("a command that lives", () => stdout.text.length > before);
}

describe("a client that is stopped while its command runs", () => {
  etcdTest("etcdctl lock lets a rival in while its command goes on", async () => {
    const words = ["etcdctl", "lock", "--ttl", String(ttlSeconds), "theirs", "--"];
    const client = await startInside(...words);
    await client.stop();
    const rival = startRival("theirs");
    await rival.stdout.until("rival");
    // Two inside.
    await livesOn(client);
    expect(rival.hasEnded).toBe(false);
  });

  etcdTest("run keeps everybody out as long as its command lives", async () => {
    const server = ["--server", theCluster().servers, "--ttl", String(ttlSeconds)];
    const client = await startInside(binary, "run", ...server, "ours");
    const hasKeeper = () =>
      Bun.spawnSync(["pgrep", "-P", String(client.pid), "-f", "__keeper"]).success;
    await eventually("a keeper", hasKeeper);
    await client.stop();
    const rival = startRival("ours");
    await eventually(
      "a rival that waits",
      async () => (await theCluster().keys("ours/")).length === 2,
    );
    // Much longer than the lease lasts unrenewed.
    const end = performance.now() + 4 * ttlSeconds * 1000;
    while (performance.now() < end) await livesOn(client);
    expect(rival.stdout.text).toBe("");
    expect(await theCluster().keys("ours/")).toHaveLength(2);
    client.resume();
  });
});
