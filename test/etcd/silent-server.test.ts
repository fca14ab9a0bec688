/** A server that falls silent: commands end in their time, with the right status, and by a signal at once. */
import { describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { binary, type Outcome, runToEnd, start, type TestProcess } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { silence, wayTo } from "./way.ts";

useCluster();

/** Far less than the 10 s for which a server without a limit is waited for, far more than a wait of 2 s takes. */
const maxMilliseconds = 8000;

async function inTime<T>(work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  expect(performance.now() - began).toBeLessThan(maxMilliseconds);
  return result;
}

const to = (server: string, ...words: string[]) => [binary, ...words, "--server", server];

/** Holds a lock, and ends it. */
async function heldLock(name: string): Promise<TestProcess> {
  const holder = start([...to(theCluster().servers, "run", name), "sh", "-c", "echo inside; cat"]);
  await holder.stdout.until("inside");
  return holder;
}

describe("a server that falls silent", () => {
  etcdTest.each(["run", "get", "get --json", "wait"])(
    "%s ends with 75 in its time when the server falls silent while it waits",
    async (command) => {
      const name = `silent-${command.replaceAll(/\W/g, "")}`;
      await heldLock(name);
      let isHung = false;
      await using way = wayTo(theCluster().servers, async ({ path }, pass) => {
        if (isHung) return await silence();
        // The watch that tells of changes, with which the wait has begun.
        if (path.endsWith("watch")) isHung = true;
        return await pass();
      });
      const [verb = "", ...options] = command.split(" ");
      const words = to(way.url, verb, ...options, "-t", "2", name);
      const rest = command === "run" ? ["true"] : [];
      const outcome = await inTime(() => runToEnd([...words, ...rest]));
      expect(outcome.status).toBe(75);
      if (command === "get --json") {
        expect(JSON.parse(outcome.stdout)).toMatchObject({ granted: false, locked: true });
      } else {
        expect(outcome.stderr).toContain("held by");
      }
    },
  );

  test.each([["run a,b true"], ["run --newest a true"], ["wait a"]])(
    "%s ends with 69 in its time when the server never answers",
    async (command) => {
      await using server = new FakeGateway(silence);
      const env = { RESOURCELOCK_SERVER: server.url };
      const words = command.split(" ").toSpliced(1, 0, "-t", "1");
      const outcome = await inTime(() => runToEnd([binary, ...words], { env }));
      expect(outcome.status).toBe(69);
    },
  );

  test.each([["run a,b true"], ["run --replace a true"], ["wait a"], ["wait -n a"]])(
    "%s ends by a signal when the server never answers",
    async (command) => {
      await using server = new FakeGateway(silence);
      const env = { RESOURCELOCK_SERVER: server.url };
      const child = start([binary, ...command.split(" ")], { env });
      await eventually("a request", () => server.seen.length > 0);
      child.signal("SIGTERM");
      await inTime(() => child.exited());
      expect(child.endedBy).toBe("SIGTERM");
    },
  );
});

describe("run", () => {
  etcdTest("run ends by a signal when its release is not answered", async () => {
    let isHung = false;
    const asked = Promise.withResolvers<void>();
    await using way = wayTo(theCluster().servers, async ({ text }, pass) => {
      if (!isHung) return await pass();
      if (text.includes("request_delete_range")) asked.resolve();
      return await silence();
    });
    const child = start([...to(way.url, "run", "release"), "sh", "-c", "echo inside; cat; exit 3"]);
    await child.stdout.until("inside");
    isHung = true;
    await child.endInput();
    await asked.promise;
    child.signal("SIGTERM");
    const { status, stderr } = await inTime(() => child.end());
    expect(status).toBe(3);
    expect(stderr).toContain(
      'lock "release" could not be released; the server frees it within 15 s',
    );
  });
});

describe("get", () => {
  etcdTest("get ends with 69 when its lease has ended before the lock was left", async () => {
    const leases: string[] = [];
    await using way = wayTo(theCluster().servers, async ({ path, body, text }, pass) => {
      if (path.endsWith("lease/grant")) leases.push(hexIdOf(body));
      if (isDetaching(text)) {
        await theCluster().etcdctl("lease", "revoke", leases[0] ?? "");
      }
      return await pass();
    });
    const outcome: Outcome = await runToEnd(to(way.url, "get", "slow", "--json"));
    expect(outcome.status).toBe(69);
    expect(outcome.stderr).toContain('Lost lock "slow": its lease ran out');
    expect(await theCluster().keys("slow/")).toEqual([]);
    expect(leases).toHaveLength(2);
    // The lease without end, on which nothing hangs.
    expect(await theCluster().etcdctl("lease", "timetolive", leases[1] ?? "")).toContain("expired");
  });
});

const hexIdOf = (body: unknown): string => {
  const id = typeof body === "object" && body !== null && "ID" in body ? String(body.ID) : "0";
  return BigInt(id).toString(16);
};

/** Whether a request leaves a lock without a process: that stands in the value, in base64. */
const isDetaching = (text: string): boolean =>
  [...text.matchAll(/"value":"([^"]+)"/g)].some(([, value = ""]) =>
    atob(value).includes('"attachment":"detached"'),
  );
