/** The server does what it was asked for, and its answer is lost. */
import { describe, expect } from "bun:test";
import { binary, runToEnd } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { FakeGateway } from "./fake-gateway.ts";

useCluster();

/** Hands requests on to the server, and their answers back, until one is a request that is meant. */
function wayTo(isMeant: (path: string, body: string) => boolean): FakeGateway {
  let isLost = false;
  return new FakeGateway(async ({ path, body }) => {
    const text = JSON.stringify(body);
    isLost ||= isMeant(path, text);
    const init = { method: "POST", body: text, proxy: false } as RequestInit;
    const response = await fetch(`${theCluster().servers}${path}`, init);
    if (isLost) await new Promise<never>(() => {});
    return response;
  });
}

describe("get --server", () => {
  etcdTest(
    "get tells how to free the lock when it cannot know whether that stays held",
    async () => {
      // Two transactions write a key: the grant, and the one that leaves it held.
      let puts = 0;
      await using way = wayTo((_, body) => {
        if (body.includes("request_put")) puts += 1;
        return puts === 2;
      });
      const words = ["get", "unsure", "--server", way.url];
      const { status, stderr } = await runToEnd([binary, ...words]);
      expect(status).toBe(69);
      const [command = ""] = /unget unsure --token \d+/.exec(stderr) ?? [];
      const env = { RESOURCELOCK_SERVER: theCluster().servers };
      const unget = await runToEnd([binary, ...command.split(" ")], { env });
      expect(unget.status).toBe(0);
      expect(await theCluster().keys("unsure/")).toEqual([]);
    },
  );
});
