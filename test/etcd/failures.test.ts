/** Locks while members of a cluster of three die, hang, or cannot be reached. */
import { describe, expect } from "bun:test";
import { LockServerError } from "../../src/lock/errors.ts";
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
import { EtcdCluster } from "./etcd-cluster.ts";
import { Forwarder } from "./forwarder.ts";
import { membersFrom, mixedQueue } from "./mixed-queue.ts";

useCluster(3);

async function failureOf(promise: Promise<unknown>): Promise<LockServerError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LockServerError) return error;
  throw new Error(`expected a LockServerError, not ${String(error)}`);
}

describe("a cluster of three", () => {
  etcdTest("keeps the queue and its order when one member is killed", async () => {
    const follower = ((await theCluster().leader()) + 1) % 3;
    const outcome = await mixedQueue(() => theCluster().killMember(follower));
    theCluster().startMember(follower);
    await theCluster().ready();
    expect(outcome).toEqual({ order: ["first", "etcdctl", "second"], isLost: false });
  });

  etcdTest("answers within two seconds when the first member of the list hangs", async () => {
    const follower = ((await theCluster().leader()) + 1) % 3;
    theCluster().signalMember(follower, "SIGSTOP");
    try {
      const began = performance.now();
      const engine = newEngine({ servers: membersFrom(follower) });
      const grant = await acquired(engine.acquire(newName(), forever));
      await grant.release();
      expect(performance.now() - began).toBeLessThan(4000);
    } finally {
      theCluster().signalMember(follower, "SIGCONT");
    }
  });

  etcdTest("keeps time when no member answers", async () => {
    await using way = await Forwarder.to(theCluster().members[0]?.client ?? "");
    way.cut();
    const began = performance.now();
    const request = { message: "short", timeoutSeconds: 0.7 };
    const error = await failureOf(newEngine({ servers: way.url }).acquire(newName(), request));
    expect(error.fault).toBe("unavailable");
    expect(performance.now() - began).toBeLessThan(4000);
  });

  etcdTest("refuses in time when the server is gone while it waits", async () => {
    const name = newName();
    const holder = await acquired(newEngine().acquire(name, forever));
    await using way = await Forwarder.to(theCluster().members[0]?.client ?? "");
    const request = { message: "short", timeoutSeconds: 2 };
    const waiter = newEngine({ servers: way.url }).acquire(name, request);
    await waiting(newEngine(), name, 1);
    way.cut();
    expect(await waiter).toMatchObject({ granted: false, reason: "timeout" });
    await holder.release();
  });

  etcdTest("serves a lock to a client whose way to the server is slow", async () => {
    await using way = await Forwarder.to(theCluster().members[0]?.client ?? "");
    way.delay(200);
    const grant = await acquired(newEngine({ servers: way.url }).acquire(newName(), forever));
    expect(await grant.release()).toBeUndefined();
  });

  etcdTest("is refused when the list has a member of another cluster", async () => {
    await using other = await EtcdCluster.start();
    const engine = newEngine({ servers: `${theCluster().servers},${other.servers}` });
    const error = await failureOf(engine.acquire(newName(), once));
    expect(error.fault).toBe("otherCluster");
  });
});
