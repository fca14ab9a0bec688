/** The wrapper and the keeper watch each other: whichever is killed or stopped, nobody else begins too early. */
import { describe, expect, test } from "bun:test";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";
import { theCluster, useCluster } from "./engines.ts";
import { beginOfRival, RunUnderLock } from "./run-under-lock-process.ts";

/** Long enough for a machine that is busy with other things; a stop comes after 2.4 s without a renewal. */
const ttlSeconds = 4;

useCluster();

const etcdTest = haveEtcd ? test.concurrent : test.skip;

describe("run on etcd", () => {
  etcdTest(
    "run keeps its lock to the end of the command when the wrapper is killed",
    async () => {
      await using run = new RunUnderLock(theCluster(), "killed", ttlSeconds, 7);
      await run.command();
      await run.keeper();
      run.wrapper.kill("SIGKILL");
      const rival = await beginOfRival(theCluster(), "killed");
      expect(rival).toBeGreaterThan(run.lastBeat());
    },
    60_000,
  );

  etcdTest(
    "run stops its command in time, with status 69, when the server does not answer",
    async () => {
      await using own = await EtcdCluster.start();
      await using run = new RunUnderLock(own, "cut", ttlSeconds, 30);
      await run.command();
      await run.keeper();
      const stoppedAt = Date.now() / 1000;
      own.signalMember(0, "SIGSTOP");
      expect(await run.wrapper.exited).toBe(69);
      const lived = run.lastBeat() - stoppedAt;
      expect(lived).toBeLessThan(ttlSeconds);
    },
    60_000,
  );

  etcdTest(
    "run stops its command, with status 69, when its lease is gone",
    async () => {
      await using run = new RunUnderLock(theCluster(), "revoked", ttlSeconds, 30);
      await run.command();
      await run.keeper();
      const [key = ""] = await theCluster().keys("revoked/");
      await theCluster().etcdctl("lease", "revoke", key.split("/")[1] ?? "");
      expect(await run.wrapper.exited).toBe(69);
    },
    60_000,
  );
});
