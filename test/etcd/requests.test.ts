/** How many requests a command makes, as the server counts them: each is a way to the server and back. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { binary, runToEnd } from "../support/process.ts";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";

const etcdTest = test.skipIf(!haveEtcd);
let cluster: EtcdCluster;
beforeAll(async () => {
  if (haveEtcd) cluster = await EtcdCluster.start();
}, 60_000);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

/** The calls of each method that the server has begun to handle. */
async function calls(): Promise<Map<string, number>> {
  const response = await fetch(`${cluster.servers}/metrics`, { keepalive: false });
  const lines = (await response.text()).matchAll(
    /^grpc_server_started_total\{grpc_method="(\w+)".*\} (\d+)$/gm,
  );
  return new Map([...lines].map(([, method = "", count]) => [method, Number(count)]));
}

/** The calls that a command makes. */
async function callsOf(words: readonly string[]): Promise<Record<string, number>> {
  const before = await calls();
  const env = { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: cluster.servers };
  expect(await runToEnd(words, { env })).toMatchObject({ status: 0 });
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
    const ours = await callsOf([binary, "run", "--server", cluster.servers, "free", "true"]);
    const theirs = await callsOf(["etcdctl", "lock", "free", "true"]);
    expect(ours).toEqual({ LeaseGrant: 1, Txn: 2 });
    expect(sum(ours)).toBeLessThanOrEqual(sum(theirs));
  });

  etcdTest("state makes one request, and get four", async () => {
    const server = ["--server", cluster.servers];
    expect(await callsOf([binary, "get", ...server, "held"])).toEqual({ LeaseGrant: 2, Txn: 2 });
    expect(await callsOf([binary, "state", ...server, "held"])).toEqual({ Txn: 1 });
  });
});
