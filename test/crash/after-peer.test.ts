/** A waiter that gets the lock from a peer without a ledger, and dies. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { haveTools, newLockName, resourcelock } from "../support/binary.ts";
import { runToEnd, start } from "../support/process.ts";
import { root } from "../support/clone.ts";
import { buildWhereStale, testBinary } from "./build.ts";

buildWhereStale();

const peer = `
import sys
sys.path.insert(0, sys.argv[1])
from peer import resource_lock
lock = resource_lock(sys.argv[2])
print(lock.get_lock(timeout=30, lock_info="the peer"), flush=True)
sys.stdin.readline()
lock.unget_lock()`;
import { eventually } from "../support/eventually.ts";

test.skipIf(!haveTools("python3"))(
  "run adopts when a waiter dies with the unit of a detached hold that a peer has released",
  async () => {
    const name = newLockName();
    expect((await resourcelock("get", name, "-q")).status).toBe(0);
    const words = [testBinary, "run", name, "-q", "--", "true"];
    const waiter = start(words, { env: { RESOURCELOCK_FAULT: "taken-by-waiting" } });
    await eventually("a waiter", async () => {
      const { stdout } = await resourcelock("state", name, "--json");
      return JSON.parse(stdout).waiters.length > 0;
    });
    const release = peer.split("\n").slice(0, 5).concat("lock.unget_lock(force=True)").join("\n");
    const released = await runToEnd([
      "python3",
      "-B",
      "-c",
      release,
      join(root, "test/peer"),
      name,
    ]);
    expect(released).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await waiter.end()).status).toBe(137);
    const state = JSON.parse((await resourcelock("state", name, "--json")).stdout);
    expect(state.holders).toMatchObject([{ attachment: "stale", pid: null }]);
    const next = await runToEnd([testBinary, "run", name, "-q", "-t", "30", "--", "echo", "next"]);
    expect(next).toEqual({ status: 0, stdout: "next\n", stderr: "" });
  },
);

test.skipIf(!haveTools("python3")).each(["held", "granted", "before-spawn"])(
  "run is adopted from when it dies at %s after it got the lock from a peer",
  async (point) => {
    const name = newLockName();
    const holder = start(["python3", "-B", "-c", peer, join(root, "test/peer"), name]);
    expect(await holder.stdout.nextLine()).toBe("True");
    const words = [testBinary, "run", name, "-q", "--", "true"];
    const waiter = start(words, { env: { RESOURCELOCK_FAULT: point } });
    await eventually("a waiter", async () => {
      const { stdout } = await resourcelock("state", name, "--json");
      return JSON.parse(stdout).waiters.length > 0;
    });
    await holder.tell("\n");
    expect((await waiter.end()).status).toBe(137);
    const next = await runToEnd([testBinary, "run", name, "-q", "-t", "30", "--", "echo", "next"]);
    expect(next).toEqual({ status: 0, stdout: "next\n", stderr: "" });
  },
);
