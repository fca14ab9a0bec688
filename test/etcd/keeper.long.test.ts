/** The wrapper and the keeper watch each other: whichever is killed or stopped, nobody else begins too early. */
import { describe, expect, test } from "bun:test";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";
import { theCluster, useCluster } from "./engines.ts";
import { beginOfRival, RunUnderLock } from "./run-under-lock-process.ts";
import { eventually } from "../support/eventually.ts";

/** Long enough for a machine that is busy with other things; a stop comes after 2.4 s without a renewal. */
const ttlSeconds = 4;

useCluster();

const etcdTest = haveEtcd ? test.concurrent : test.skip;

describe("run on etcd", () => {
  etcdTest.each([
    ["the keeper is killed", "SIGKILL"],
    ["the keeper is stopped", "SIGSTOP"],
  ] as const)(
    "run keeps its lock to the end of the command when %s",
    async (fault, signal) => {
      const name = fault.replaceAll(" ", "-");
      await using run = new RunUnderLock(theCluster(), name, ttlSeconds, 7);
      await run.command();
      const keeper = await run.keeper();
      process.kill(keeper, signal);
      const rival = await beginOfRival(theCluster(), name);
      expect(rival).toBeGreaterThan(run.lastBeat());
      // At once, and not when the lease would have ended.
      expect(rival - run.lastBeat()).toBeLessThan(2);
      expect(await run.wrapper.exited).toBe(0);
    },
    60_000,
  );

  etcdTest(
    "run keeps its lock as long as it is stopped",
    async () => {
      await using run = new RunUnderLock(theCluster(), "stopped", ttlSeconds, 2);
      await run.command();
      await run.keeper();
      run.wrapper.kill("SIGSTOP");
      const rival = beginOfRival(theCluster(), "stopped");
      const isEarly = await Promise.race([
        rival.then(() => true),
        Bun.sleep(8000).then(() => false),
      ]);
      expect(isEarly).toBe(false);
      run.wrapper.kill("SIGCONT");
      expect(await rival).toBeGreaterThan(run.lastBeat());
      expect(await run.wrapper.exited).toBe(0);
    },
    60_000,
  );

  etcdTest(
    "run stops its command in time when the server does not answer and the wrapper is stopped",
    async () => {
      await using own = await EtcdCluster.start();
      await using run = new RunUnderLock(own, "cut", ttlSeconds, 30);
      await run.command();
      await run.keeper();
      run.wrapper.kill("SIGSTOP");
      const stoppedAt = Date.now() / 1000;
      own.signalMember(0, "SIGSTOP");
      await Bun.sleep(ttlSeconds * 1000);
      expect(run.lastBeat() - stoppedAt).toBeLessThan(ttlSeconds);
      const last = run.lastBeat();
      await Bun.sleep(500);
      expect(run.lastBeat()).toBe(last);
      run.wrapper.kill("SIGCONT");
      expect(await run.wrapper.exited).toBe(69);
    },
    60_000,
  );

  etcdTest(
    "run lets its command go on when its key is deleted",
    async () => {
      await using run = new RunUnderLock(theCluster(), "deleted", ttlSeconds, 600);
      await run.command();
      await run.keeper();
      await theCluster().etcdctl("del", "--prefix", "deleted/");
      const deletedAt = Date.now() / 1000;
      // By then the loss of the lease itself would have ended it.
      const goesOn = () => run.lastBeat() > deletedAt + 2 * ttlSeconds;
      await eventually("a command that goes on", () => goesOn() || run.wrapper.exitCode !== null);
      expect(run.wrapper.exitCode).toBeNull();
    },
    120_000,
  );
});
