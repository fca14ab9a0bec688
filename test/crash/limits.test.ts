/** What else may be in the way of a lock: another user, the limit of file sizes, a mutex that is kept, a counter that is high. */
import { describe, expect, test } from "bun:test";
import { chownSync } from "node:fs";
import { ResourceLock } from "../../src/index.ts";
import { haveTools, newLockName } from "../support/binary.ts";
import { killStranger, type TestProcess } from "../support/process.ts";
import { testBinary } from "./build.ts";
import {
  atRest,
  bash,
  launch,
  libraryUser,
  outcomeOf,
  resourcelock,
  runningCommand,
  stateOf,
  writeOver,
} from "./participants.ts";
import { ledgerOf } from "./waiters.ts";

describe("another user's lock", () => {
  const isRoot = process.getuid?.() === 0 && haveTools("setpriv");
  test.skipIf(!isRoot)("is told as such by every command, and stays as it is", async () => {
    const name = newLockName();
    await runningCommand(name);
    const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    for (const words of [
      ["get", name, "-t", "0"],
      ["run", "-n", name, "--", "true"],
      ["state", name],
      ["unget", name],
    ]) {
      const { status, stderr } = await launch([...asNobody, testBinary, ...words]).end();
      expect([words[0], status, stderr.startsWith(`resourcelock: `)]).toEqual([words[0], 77, true]);
    }
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "attached" }]);
  });

  test.skipIf(!isRoot)(
    "of which only the ledger is another user's is told as such, too",
    async () => {
      const name = newLockName();
      const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const made = await launch([...asNobody, testBinary, "run", name, "--", "true"]).end();
      expect(made.status).toBe(0);
      chownSync(ledgerOf(name), 0, 0);
      for (const words of [
        ["get", name, "-t", "0"],
        ["run", "-n", name, "--", "true"],
      ]) {
        const { status, stderr } = await launch([...asNobody, testBinary, ...words]).end();
        expect([words[0], status, stderr.startsWith(`resourcelock: `)]).toEqual([
          words[0],
          77,
          true,
        ]);
      }
    },
  );
});

test("run waits for a holder whose ticket is a multiple of 2^32", async () => {
  const name = newLockName();
  expect((await outcomeOf("run", name, "--", "true")).status).toBe(0);
  const counter = new BigUint64Array([BigInt(2 ** 20) * BigInt(2 ** 32) - 1n]);
  writeOver(ledgerOf(name), 8, new Uint8Array(counter.buffer));
  const { command } = await runningCommand(name);
  expect((await stateOf(name)).holders).toMatchObject([
    { attachment: "attached", token: 2 ** 52 + 1 },
  ]);
  expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
  await killStranger(command);
  expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
});

/** A lock whose next seats lie behind the first kilobyte of the ledger. */
async function usedLock(): Promise<string> {
  const name = newLockName();
  using lock = new ResourceLock(name);
  for (let count = 0; count < 10; count++) {
    lock.getLock();
    lock.ungetLock();
  }
  return name;
}

describe("the limit of file sizes", () => {
  for (const kilobytes of [0, 1]) {
    test(`run fails and takes nothing when it is ${kilobytes} KiB`, async () => {
      const name = await usedLock();
      const { stdout, stderr, status } = await bash(
        `ulimit -f ${kilobytes}; resourcelock run ${name} -- echo started`,
      ).end();
      expect({ stdout, status }).toEqual({ stdout: "", status: 71 });
      expect(stderr).toContain(name);
      expect(stderr).toContain("ulimit -f");
      expect(await stateOf(name)).toMatchObject(atRest);
      expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(0);
    });

    test(`run fails and leaves a dead holder's lock to the next one when it is ${kilobytes} KiB`, async () => {
      const name = await usedLock();
      const holder = resourcelock(["get", name, "-a", "1000"]);
      await holder.stdout.nextLine();
      await holder.kill();
      const failing = bash(`ulimit -f ${kilobytes}; resourcelock run ${name} -- echo started`);
      expect(await failing.end()).toMatchObject({ stdout: "", status: 71 });
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });

    test.skipIf(!haveTools("prlimit"))(
      `a release leaves no lock that nobody gets when it is ${kilobytes} KiB by then`,
      async () => {
        const name = await usedLock();
        const holder = libraryUser(name);
        await holder.stdout.nextLine();
        const limit = `--fsize=${kilobytes * 1024}`;
        await launch(["prlimit", `--pid=${holder.pid}`, limit]).exited();
        await holder.tell("release\n");
        await holder.endInput();
        await holder.exited();
        expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
        expect(await stateOf(name)).toMatchObject(atRest);
      },
    );
  }

  test("a waiter fails at once when its seat cannot be written", async () => {
    const name = await usedLock();
    const { command } = await runningCommand(name);
    const { stdout, status } = await bash(
      `ulimit -f 1; resourcelock run ${name} -- echo started`,
    ).end();
    expect({ stdout, status }).toEqual({ stdout: "", status: 71 });
    expect((await stateOf(name)).waiters).toEqual([]);
    await killStranger(command);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
  });
});

/** Locks the mutex by a descriptor that may only read. */
async function lockMutex(name: string): Promise<TestProcess> {
  const script = `
import fcntl, os, struct, sys
F_OFD_SETLK, F_RDLCK = 37, 0
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(descriptor, F_OFD_SETLK, struct.pack("hhqqi4x", F_RDLCK, 0, 2**30, 1, 0))
print("locked", flush=True)
sys.stdin.read()`;
  const process = launch(["python3", "-c", script, ledgerOf(name)]);
  expect(await process.stdout.nextLine()).toBe("locked");
  return process;
}

describe("a process that keeps the mutex of the ledger locked", () => {
  test("keeps no request for longer than it may wait", async () => {
    const name = newLockName();
    expect((await outcomeOf("run", name, "--", "true")).status).toBe(0);
    const hostile = await lockMutex(name);
    for (const options of [["-n"], ["-t", "0.2"]]) {
      expect((await outcomeOf("run", ...options, name, "--", "true")).status).toBe(75);
    }
    using lock = new ResourceLock(name);
    expect(lock.getLock({ timeout: 0.2 })).toBe(false);
    expect(await lock.acquire({ timeout: 0.2 })).toBeUndefined();
    const signal = AbortSignal.timeout(100);
    const error = await lock.acquire({ timeout: null, signal }).catch((reason: unknown) => reason);
    expect(error).toBe(signal.reason);
    await hostile.endInput();
    await hostile.exited();
    expect(lock.getLock({ timeout: 30 })).toBe(true);
  });

  test("keeps no request from its signals, and nobody from looking", async () => {
    const name = newLockName();
    const { command } = await runningCommand(name);
    const hostile = await lockMutex(name);
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiter.stderr.line(/waiting/);
    expect((await stateOf(name)).holders).toHaveLength(1);
    expect((await outcomeOf("list")).status).toBe(0);
    waiter.signal("SIGTERM");
    expect(await waiter.exited()).toBe(143);
    await hostile.endInput();
    await hostile.exited();
    await killStranger(command);
  });

  test("keeps unget from the lock, which says what is wrong", async () => {
    const name = newLockName();
    expect((await outcomeOf("get", name)).status).toBe(0);
    const hostile = await lockMutex(name);
    const { status, stderr } = await outcomeOf("unget", name);
    expect(status).toBe(71);
    expect(stderr).toContain(`fuser ${ledgerOf(name)}`);
    await hostile.endInput();
    await hostile.exited();
    expect((await outcomeOf("unget", name)).status).toBe(0);
  });
});
