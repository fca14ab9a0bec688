/** Who takes over from a holder that died, and who does not: --no-adopt, --owner-pid. */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { newLockName } from "../support/binary.ts";
import { isAlive } from "../support/process.ts";
import {
  atRest,
  bash,
  faultAt,
  libraryUser,
  outcomeOf,
  resourcelock,
  stateOf,
  waiting,
} from "./participants.ts";
import { heldByRun, holds } from "./waiters.ts";

/** A lock whose holder has died. */
async function staleLock(): Promise<string> {
  const name = newLockName();
  await resourcelock(["get", name, "-a", "1000"], faultAt("granted")).exited();
  expect((await stateOf(name)).holders).toMatchObject([{ attachment: "stale" }]);
  return name;
}

describe("--no-adopt", () => {
  for (const words of [["get"], ["run"]]) {
    test(`${words[0]} waits where the holder died, and leaves the lock as it is`, async () => {
      const name = await staleLock();
      const command = words[0] === "run" ? ["--", "true"] : [];
      const { status, stderr } = await outcomeOf(
        ...words,
        "--no-adopt",
        "-t",
        "1.5",
        name,
        ...command,
      );
      expect(status).toBe(75);
      expect(stderr).not.toContain("took over");
      expect((await stateOf(name)).holders).toMatchObject([{ attachment: "stale" }]);
    });
  }

  test("the library's adopt: false waits, too", async () => {
    const user = libraryUser(await staleLock(), { adopt: false, timeout: 1.5 });
    expect(await user.stdout.nextLine()).toBe("not granted");
  });

  test("an unget lets it in", async () => {
    const name = await staleLock();
    const waiter = resourcelock(["run", "--no-adopt", name, "--", "true"]);
    await waiting(name, 1);
    expect((await outcomeOf("unget", name)).status).toBe(0);
    expect((await waiter.end()).status).toBe(0);
  });

  test("who waits behind it adopts", async () => {
    const name = await staleLock();
    const careful = resourcelock(["run", "--no-adopt", name, "--", "true"]);
    await waiting(name, 1);
    const { status, stderr } = await outcomeOf("run", name, "--", "true");
    expect([status, stderr.includes("took over lock")]).toEqual([0, true]);
    expect((await careful.end()).status).toBe(0);
  });

  test("who waits behind it adopts a lock whose bound process died", async () => {
    const name = newLockName();
    await bash(`resourcelock get ${name} --owner-pid $$; true`).exited();
    const careful = resourcelock(["run", "--no-adopt", name, "--", "true"]);
    await waiting(name, 1);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect((await careful.end()).status).toBe(0);
  });
});

/** A process to bind a lock to, and the lock. */
async function boundLock() {
  const name = newLockName();
  const owner = bash("read line");
  const got = await outcomeOf("get", name, "--owner-pid", String(owner.pid));
  expect(got.status).toBe(0);
  expect((await stateOf(name)).holders).toMatchObject([{ pid: owner.pid, attachment: "bound" }]);
  return { name, owner };
}

/** Has a `run` wait for a bound lock and stops it there; the process ends, and another `run` adopts and releases. */
async function stoppedWhileAdopted(...options: string[]) {
  const name = newLockName();
  const end = await holds["the process ends that it is bound to"]?.(name);
  const stopped = resourcelock(["run", ...options, name, "--", "true"]);
  await waiting(name, 1);
  await stopped.stop();
  await end?.();
  expect((await outcomeOf("run", name, "--", "true")).status).toBe(0);
  return { name, stopped };
}

describe("a waiter that was stopped while another one adopted", () => {
  test("run gives the unit back that it gets when it goes on, and is ended by a signal", async () => {
    const { name, stopped } = await stoppedWhileAdopted();
    stopped.signal("SIGTERM");
    stopped.resume();
    expect((await stopped.end()).status).toBe(143);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run --no-adopt gets the lock when it goes on, and takes it from nobody", async () => {
    const { name, stopped } = await stoppedWhileAdopted("--no-adopt");
    stopped.resume();
    const { status, stderr } = await stopped.end();
    expect(status).toBe(0);
    expect(stderr).not.toContain("took over");
    expect(await stateOf(name)).toMatchObject({ ...atRest, recoveries: 1 });
  });
});

describe("get --owner-pid", () => {
  test("nobody adopts the lock while that process lives", async () => {
    const { name, owner } = await boundLock();
    expect((await outcomeOf("run", "-t", "2.5", name, "--", "true")).status).toBe(75);
    expect(isAlive(owner.pid)).toBe(true);
    expect((await outcomeOf("unget", name)).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("a waiter adopts it when that process is killed", async () => {
    const { name, owner } = await boundLock();
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    await owner.kill();
    const { status, stderr } = await waiter.end();
    expect(status).toBe(0);
    expect(stderr).toContain(` from pid ${owner.pid} `);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("who comes only later adopts it at once", async () => {
    const { name, owner } = await boundLock();
    await owner.kill();
    expect((await stateOf(name)).holders).toMatchObject([{ pid: owner.pid, attachment: "stale" }]);
    expect((await outcomeOf("get", name, "-t", "0")).status).toBe(0);
  });

  test("a waiter adopts it when that process's number is another process's by now", async () => {
    const { name, owner } = await boundLock();
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    startEarlier(name);
    expect((await waiter.end()).status).toBe(0);
    expect(isAlive(owner.pid)).toBe(true);
  });

  test("a process that ends before the lock is granted leaves it free at once", async () => {
    const name = newLockName();
    const release = await heldByRun(name);
    const owner = bash("read line");
    const request = ["get", name, "-t", "60", "--owner-pid", String(owner.pid)];
    const waiter = resourcelock(request);
    await waiting(name, 1);
    await owner.kill();
    await release();
    expect(await waiter.end()).toMatchObject({
      status: 75,
      stdout: "",
      stderr: expect.stringContaining(`not taken, because pid ${owner.pid} has ended\n`),
    });
    // Also for a Python peer, which knows nothing of owners.
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("the binding ends with the hold", async () => {
    const { name, owner } = await boundLock();
    await outcomeOf("unget", name);
    await outcomeOf("get", name);
    await owner.kill();
    expect((await outcomeOf("run", "-t", "2.5", name, "--", "true")).status).toBe(75);
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "detached" }]);
  });

  test("without it a detached lock stays until unget", async () => {
    const name = newLockName();
    await bash(`resourcelock get ${name}`).exited();
    expect((await outcomeOf("run", "-t", "2.5", name, "--", "true")).status).toBe(75);
    expect((await stateOf(name)).holders).toMatchObject([{ pid: null, attachment: "detached" }]);
    expect((await outcomeOf("unget", name)).status).toBe(0);
  });
});

/** Makes the ledger say that the process that the lock is bound to was started one clock tick earlier. */
function startEarlier(lockName: string): void {
  const boundStart = 16 * Uint32Array.BYTES_PER_ELEMENT;
  const word = new Uint32Array(1);
  const ledger = openSync(`/dev/shm/${lockName}.ledger`, "r+");
  readSync(ledger, word, 0, word.byteLength, boundStart);
  word[0] = (word[0] ?? 0) - 1;
  writeSync(ledger, word, 0, word.byteLength, boundStart);
  closeSync(ledger);
}
