/**
 * This project's library as a locker: library.ts getLock|acquire NAME [COMMAND...]. It does what the Python
 * peer does, and has order, recovery and a fencing token besides.
 */
import { ResourceLock } from "../../../src/index.ts";
import type { LockGuard } from "../../../src/lock/guard.ts";
import { runCommand } from "./run-command.ts";
import { serve, type Lock } from "./serve.ts";

const [method = "", name = "", ...command] = process.argv.slice(2);
const lock = new ResourceLock(name);
const wish = { timeout: 600, lockInfo: "bench.section #1" };

function byGetLock(): Lock {
  return {
    get() {
      if (!lock.getLock(wish)) throw new Error("The lock was not granted in 600 seconds");
    },
    unget() {
      if (!lock.ungetLock({ whereCalled: "bench" })) throw new Error("The lock was forced");
    },
  };
}

function byAcquire(): Lock {
  let guard: LockGuard | undefined;
  return {
    async get() {
      guard = await lock.acquire(wish);
    },
    unget() {
      if (guard?.release() !== true) throw new Error("The lock was not held");
    },
  };
}

const locker = method === "acquire" ? byAcquire() : byGetLock();
await (command.length > 0 ? runCommand(locker, command) : serve(locker));
