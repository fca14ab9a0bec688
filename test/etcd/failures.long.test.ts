/** Locks while members of a cluster of three die, hang, or cannot be reached. */
import { describe, expect } from "bun:test";
import {
  acquired,
  etcdTest,
  forever,
  newEngine,
  newName,
  theCluster,
  useCluster,
  waiting,
} from "./engines.ts";
import { membersFrom, mixedQueue } from "./mixed-queue.ts";
import { eventually } from "../support/eventually.ts";

useCluster(3);

describe("a cluster of three", () => {
  etcdTest("keeps the queue and its order when the leader is killed", async () => {
    const leader = await theCluster().leader();
    const outcome = await mixedQueue(() => theCluster().killMember(leader));
    theCluster().startMember(leader);
    await theCluster().ready();
    expect(outcome).toEqual({ order: ["first", "etcdctl", "second"], isLost: false });
  });

  etcdTest("keeps the queue and its order when the majority is away for 3 s", async () => {
    const outcome = await mixedQueue(async () => {
      await Promise.all([theCluster().killMember(0), theCluster().killMember(1)]);
      await Bun.sleep(3000);
      theCluster().startMember(0);
      theCluster().startMember(1);
      await theCluster().ready();
    });
    expect(outcome).toEqual({ order: ["first", "etcdctl", "second"], isLost: false });
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
});

describe("EtcdEngine.watch()", () => {
  etcdTest("watch() yields a change that comes while the member that it asks hangs", async () => {
    const name = newName();
    // A member that hangs is one of three for the lock, and the first that is asked by who looks.
    const [first = "", ...others] = theCluster().servers.split(",");
    const holder = await acquired(newEngine({ servers: others.join(",") }).acquire(name, forever));
    const stop = new AbortController();
    const seen: (number | undefined)[] = [];
    const follow = async () => {
      const looker = newEngine({ servers: [first, ...others].join(",") });
      for await (const state of looker.watch(name, { everySeconds: 600, signal: stop.signal })) {
        seen.push(state?.holders.length);
      }
    };
    const following = follow();
    await eventually("the first state", () => seen.length === 1);
    theCluster().signalMember(0, "SIGSTOP");
    try {
      await holder.release();
      // Well before the minute after which a watch is made anew for those that have a lease.
      const told = eventually("the release", () => seen.at(-1) === 0);
      await Promise.race([told, Bun.sleep(45_000)]);
      expect(seen.at(-1)).toBe(0);
    } finally {
      theCluster().signalMember(0, "SIGCONT");
      stop.abort();
    }
    await following;
    await theCluster().ready();
  });
});

describe("a transaction whose answer is lost", () => {
  // One at each of the moments below; a round lasts as long as a cluster takes to get over a stopped member.
  const rounds = 8;

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
        await eventually("an empty queue", async () => (await left()).length === 0);
      }
    },
    600_000,
  );
});
