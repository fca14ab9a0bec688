/** How many requests a command makes, as the server counts them: each is a way to the server and back. */
import { describe, expect } from "bun:test";
import { binary, runToEnd, start } from "../support/process.ts";
import { EtcdCluster } from "./etcd-cluster.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";

useCluster();

/** The calls of each method that the server has begun to handle. */
async function calls(): Promise<Map<string, number>> {
  const response = await fetch(`${theCluster().servers}/metrics`, { keepalive: false });
  const lines = (await response.text()).matchAll(
    /^grpc_server_started_total\{grpc_method="(\w+)".*\} (\d+)$/gm,
  );
  return new Map([...lines].map(([, method = "", count]) => [method, Number(count)]));
}

/** The calls that a command makes. */
async function callsOf(words: readonly string[]): Promise<Record<string, number>> {
  const env = { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: theCluster().servers };
  return await callsDuring(async () => {
    expect(await runToEnd(words, { env })).toMatchObject({ status: 0 });
  });
}

async function callsDuring(work: () => Promise<void>): Promise<Record<string, number>> {
  const before = await calls();
  await work();
  const more: Record<string, number> = {};
  for (const [method, count] of await calls()) {
    const made = count - (before.get(method) ?? 0);
    if (made > 0) more[method] = made;
  }
  return more;
}

const sum = (made: Record<string, number>) => Object.values(made).reduce((a, b) => a + b, 0);

describe("run --server", () => {
  etcdTest("run makes three requests for a free lock, not more than etcdctl lock", async () => {
    const ours = await callsOf([binary, "run", "--server", theCluster().servers, "free", "true"]);
    const theirs = await callsOf(["etcdctl", "lock", "free", "true"]);
    expect(ours).toEqual({ LeaseGrant: 1, Txn: 2 });
    expect(sum(ours)).toBeLessThanOrEqual(sum(theirs));
  });

  etcdTest("state makes one request, and get four", async () => {
    const server = ["--server", theCluster().servers];
    expect(await callsOf([binary, "get", ...server, "held"])).toEqual({ LeaseGrant: 2, Txn: 2 });
    expect(await callsOf([binary, "state", ...server, "held"])).toEqual({ Txn: 1 });
  });

  etcdTest(
    "trace and wait are told of changes, and ask no more, however often they look",
    async () => {
      const server = ["--server", theCluster().servers];
      await runToEnd([binary, "get", ...server, "watched"]);
      const made = await callsDuring(async () => {
        const trace = start([binary, "trace", ...server, "watched", "--json", "-u", "0.01"]);
        await trace.stdout.until(/(.*\n){50}/);
        trace.signal("SIGINT");
        await trace.end();
      });
      // The server does not count a watch that comes through its gateway.
      expect(made).toEqual({ Txn: 1 });
      const waited = await callsDuring(async () => {
        const waiter = start([binary, "wait", ...server, "-t", "3", "watched"]);
        expect((await waiter.end()).status).toBe(75);
      });
      // The last one tells who holds it.
      expect(waited).toEqual({ Txn: 2 });
    },
  );

  etcdTest("trace shows a change at once", async () => {
    const server = ["--server", theCluster().servers];
    const trace = start([binary, "trace", ...server, "changed", "--json", "-u", "0.01"]);
    await trace.stdout.until('"locked":false');
    await runToEnd([binary, "get", ...server, "changed"]);
    await trace.stdout.until('"locked":true');
    await runToEnd([binary, "unget", ...server, "changed"]);
    await trace.stdout.until(/"locked":true.*\n(.*\n)*.*"locked":false/);
    trace.signal("SIGINT");
    expect((await trace.end()).status).toBe(0);
  });

  etcdTest("trace ends with 69 when the server stays away", async () => {
    await using own = await EtcdCluster.start();
    const trace = start([binary, "trace", "--server", own.servers, "away", "--json"]);
    await trace.stdout.until('"locked":false');
    await own.killMember(0);
    const { status, stderr } = await trace.end();
    expect(status).toBe(69);
    expect(stderr).toContain("Cannot reach lock server");
  });
});
