/** Locks while members of a cluster of three die, hang, or cannot be reached. */
import { describe, expect } from "bun:test";
import { LockServerError } from "../../src/lock/errors.ts";
import { isWhole } from "../support/binary.ts";
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
import { EtcdCluster, eventually } from "./etcd-cluster.ts";
import { Forwarder } from "./forwarder.ts";

useCluster(3);

async function failureOf(promise: Promise<unknown>): Promise<LockServerError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LockServerError) return error;
  throw new Error(`expected a LockServerError, not ${String(error)}`);
}

/** The members, this one first. */
function membersFrom(index: number): string {
  const clients = theCluster().members.map(({ client }) => client);
  return [...clients.slice(index), ...clients.slice(0, index)].join(",");
}

/** Starts a holder, two of ours that wait, and one of etcdctl between them; ends them in order. */
async function mixedQueue(
  fault: () => Promise<void>,
): Promise<{ order: string[]; losses: number }> {
  const name = newName();
  const order: string[] = [];
  const watcher = newEngine();
  const holder = await acquired(newEngine().acquire(name, forever));
  const wait = async (label: string) => {
    const grant = await acquired(newEngine().acquire(name, forever));
    order.push(label);
    await grant.release();
  };
  const first = wait("first");
  await waiting(watcher, name, 1);
  const theirs = theCluster().startEtcdctl("lock", name, "--", "echo", "in");
  await waiting(watcher, name, 2);
  const second = wait("second");
  await waiting(watcher, name, 3);
  await fault();
  const losses = holder.watchLoss().aborted ? 1 : 0;
  await holder.release();
  await first;
  const output = await new Response(theirs.stdout).text();
  if (output.includes("in")) order.push("etcdctl");
  await second;
  return {
    order: order.toSorted((one, other) => Number(one === "second") - Number(other === "second")),
    losses,
  };
}

describe("a cluster of three", () => {
  etcdTest("keeps the queue and its order when one member is killed", async () => {
    const follower = ((await theCluster().leader()) + 1) % 3;
    const outcome = await mixedQueue(() => theCluster().killMember(follower));
    theCluster().startMember(follower);
    await theCluster().ready();
    expect(outcome).toEqual({ order: ["first", "etcdctl", "second"], losses: 0 });
  });

  etcdTest("keeps the queue and its order when the leader is killed", async () => {
    const leader = await theCluster().leader();
    const outcome = await mixedQueue(() => theCluster().killMember(leader));
    theCluster().startMember(leader);
    await theCluster().ready();
    expect(outcome).toEqual({ order: ["first", "etcdctl", "second"], losses: 0 });
  });

  etcdTest("keeps the queue and its order when the majority is away for 3 s", async () => {
    const outcome = await mixedQueue(async () => {
      await Promise.all([theCluster().killMember(0), theCluster().killMember(1)]);
      await Bun.sleep(3000);
      theCluster().startMember(0);
      theCluster().startMember(1);
      await theCluster().ready();
    });
    expect(outcome).toEqual({ order: ["first", "etcdctl", "second"], losses: 0 });
  });

  etcdTest(
    "keeps a waiter's place when the whole cluster hangs longer than its lease lasts",
    async () => {
      const name = newName();
      const warnings: string[] = [];
      const holder = await acquired(newEngine({ ttlSeconds: 30 }).acquire(name, forever));
      const patient = newEngine({ ttlSeconds: 3, warn: (text) => warnings.push(text) });
      const waiter = acquired(patient.acquire(name, forever));
      await waiting(newEngine(), name, 1);
      for (const index of [0, 1, 2]) theCluster().signalMember(index, "SIGSTOP");
      await Bun.sleep(5000);
      for (const index of [0, 1, 2]) theCluster().signalMember(index, "SIGCONT");
      await theCluster().ready();
      await holder.release();
      // Its lease may have ended before it could be renewed: then it says so, and has queued again.
      await (await waiter).release();
      expect(warnings.length).toBeLessThanOrEqual(1);
    },
  );

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

describe("a transaction whose answer is lost", () => {
  const rounds = isWhole ? 36 : 3;

  etcdTest(
    "is found to have granted the lock, or grants it, exactly once",
    async () => {
      for (let round = 0; round < rounds; round++) {
        const name = newName();
        const member = round % 3;
        const servers = membersFrom(member);
        const acquiring = acquired(newEngine({ servers }).acquire(name, forever));
        // Anywhere between the sending of the lease's request and the answer of the transaction.
        await Bun.sleep((round * 1.7) % 12);
        theCluster().signalMember(member, "SIGSTOP");
        try {
          const grant = await acquiring;
          theCluster().signalMember(member, "SIGCONT");
          await theCluster().ready();
          const state = await newEngine().inspect(name);
          expect(state?.holders.map(({ token }) => token)).toEqual([grant.token]);
          expect(state?.waiters).toEqual([]);
          expect(await grant.release()).toBeUndefined();
        } finally {
          theCluster().signalMember(member, "SIGCONT");
        }
        const left = () => theCluster().keys(`${name}/`);
        await eventually(async () => (await left()).length === 0, "an empty queue");
      }
    },
    300_000,
  );
});
