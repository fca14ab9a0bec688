/** The objects of a lock are deleted, replaced or damaged while it is in use, and there are too many users. */
import { describe, expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { futexWait } from "../../src/host/acquire.ts";
import { LockDamagedError, LockFullError, ResourceLock } from "../../src/index.ts";
import { isWhole, haveTools, newLockName } from "../support/binary.ts";
import { isAlive, killStranger, type TestProcess } from "../support/process.ts";
import { testBinary } from "./build.ts";
import {
  atRest,
  bash,
  faultAt,
  launch,
  libraryUser,
  outcomeOf,
  pythonPeer,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
  writeOver,
} from "./participants.ts";
import { StepwiseLock } from "../support/stepwise-lock.ts";

const semaphoreOf = (lockName: string) => `/dev/shm/sem.${lockName}`;
const infoOf = (lockName: string) => `/dev/shm/${lockName}`;
const ledgerOf = (lockName: string) => `/dev/shm/${lockName}.ledger`;

/** Three that wait, of different kinds; the status of each tells whether it was alone. */
async function threeWaiters(lockName: string): Promise<TestProcess[]> {
  const witness = `/dev/shm/${lockName}.witness`;
  const section = ["sh", "-c", `mkdir ${witness} && sleep 0.1 && rmdir ${witness}`];
  const run = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 1);
  const user = libraryUser(lockName, { log: "/dev/null" });
  await waiting(lockName, 2);
  const last = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 3);
  return [run, user, last];
}

async function expectAllServed(waiters: readonly TestProcess[]): Promise<void> {
  for (const waiter of waiters) {
    const { status, stderr } = await waiter.end();
    expect([status, stderr.includes("mkdir")]).toEqual([0, false]);
  }
}

/** Whether something is still not over a moment later. */
function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), Bun.sleep(50).then(() => true)]);
}

/** What may happen to a semaphore that is in use. */
const losses: Record<string, (lockName: string) => Promise<void>> = {
  "is deleted": async (name) => rmSync(semaphoreOf(name)),
  "is deleted, and state is asked": async (name) => {
    rmSync(semaphoreOf(name));
    await outcomeOf("state", name);
  },
  "is deleted, and a newcomer makes it anew": async (name) => {
    rmSync(semaphoreOf(name));
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
  },
  "is deleted, and a peer makes a free one": async (name) => {
    rmSync(semaphoreOf(name));
    await pythonPeer(name, "state").exited();
  },
};

describe("the semaphore", () => {
  for (const [title, lose] of Object.entries(losses)) {
    for (const end of ["releases", "is killed"]) {
      test(`${title} under a holder and those who wait: nobody else gets in, and all are served once the holder ${end}`, async () => {
        const name = newLockName();
        const { holder, command } = await runningCommand(name);
        const waiters = await threeWaiters(name);
        await lose(name);
        expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
        const before = waiters.map(({ hasEnded }) => hasEnded);
        expect([isAlive(command), ...before]).toEqual([true, false, false, false]);
        if (end === "is killed") await holder.kill();
        await killStranger(command);
        await holder.exited();
        await expectAllServed(waiters);
        expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
        expect(await stateOf(name)).toMatchObject(atRest);
      });
    }
  }

  test("and the info segment are deleted, as at a logout: nobody else gets in while the ledger lives", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const waiters = await threeWaiters(name);
    rmSync(semaphoreOf(name));
    rmSync(infoOf(name));
    expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
    await killStranger(command);
    await holder.exited();
    await expectAllServed(waiters);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("is deleted again and again under a crowd of runs: never two at once, and all are served", async () => {
    const name = newLockName();
    const witness = `/dev/shm/${name}.witness`;
    const script = `for i in $(seq ${isWhole ? 15 : 5}); do "$RESOURCELOCK" run ${name} -- sh -c 'mkdir ${witness} && sleep 0.01 && rmdir ${witness}' || exit; done`;
    const shells = [1, 2, 3, 4].map(() => launch(["sh", "-c", script]));
    const statuses = Promise.all(shells.map((shell) => shell.exited()));
    while (await isPending(statuses)) rmSync(semaphoreOf(name), { force: true });
    expect(await statuses).toEqual([0, 0, 0, 0]);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });
});

describe("the info segment is deleted", () => {
  for (const point of ["taken", "freed"]) {
    for (const waiter of ["run", "the library"]) {
      test(`and a run dies at "${point}" before and after: ${waiter} takes over within seconds`, async () => {
        for (const isDeletedBefore of [true, false]) {
          const name = newLockName();
          await outcomeOf("run", name, "--", "true");
          if (isDeletedBefore) rmSync(infoOf(name));
          await resourcelock(["run", name, "--", "true"], faultAt(point)).exited();
          if (!isDeletedBefore) rmSync(infoOf(name));
          await expectServed(name, waiter);
        }
      });
    }
  }

  test("under a hold whose owner dies then: the next one takes over", async () => {
    const name = newLockName();
    const script = bash(`resourcelock get -q ${name} --owner-pid $$; echo held; read line`);
    expect(await script.stdout.nextLine()).toBe("held");
    rmSync(infoOf(name));
    await script.kill();
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "stale" }]);
    await expectServed(name, "run");
  });

  for (const waiter of ["run", "the library"]) {
    test(`under a peer's hold: ${waiter} does not get in before the peer has released`, async () => {
      const name = newLockName();
      await outcomeOf("run", name, "--", "true");
      const peer = pythonPeer(name, "hold");
      expect(await peer.stdout.nextLine()).toBe("held");
      rmSync(infoOf(name));
      if (waiter === "run") {
        expect((await outcomeOf("run", "-t", "2.5", name, "--", "true")).status).toBe(75);
      } else {
        const user = libraryUser(name, { timeout: 2.5 });
        expect(await user.stdout.nextLine()).toBe("not granted");
      }
      await peer.tell("\n");
      expect(await peer.exited()).toBe(0);
      await expectServed(name, waiter);
    });
  }
});

/** A waiter gets the lock in time, and gives it back. */
async function expectServed(lockName: string, waiter: string): Promise<void> {
  if (waiter === "run") {
    expect((await outcomeOf("run", "-t", "20", lockName, "--", "true")).status).toBe(0);
  } else {
    const user = libraryUser(lockName, { timeout: 20 });
    expect(await user.stdout.nextLine()).toStartWith("granted");
    await user.tell("release\n");
    expect(await user.stdout.nextLine()).toBe("released true");
  }
  expect(await stateOf(lockName)).toMatchObject(atRest);
}

describe("the ledger is deleted", () => {
  test("under a holder and those who wait: they go on in a new one, and nobody gets in before the holder has released", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const waiters = await threeWaiters(name);
    rmSync(ledgerOf(name));
    expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
    await waiting(name, 3);
    await killStranger(command);
    await holder.exited();
    await expectAllServed(waiters);
    expect(await stateOf(name)).toMatchObject(atRest);
  });
});

/** What may be wrong with a ledger. */
const damages: Record<string, (path: string) => void> = {
  "random bytes": (path) => writeFileSync(path, crypto.getRandomValues(new Uint8Array(4096))),
  "a few random bytes": (path) => writeFileSync(path, crypto.getRandomValues(new Uint8Array(77))),
  "random bytes behind a good header": (path) => {
    const bytes = new Uint8Array(4096 * 4);
    for (let at = 0; at < bytes.length; at += 4096) {
      crypto.getRandomValues(bytes.subarray(at, at + 4096));
    }
    const words = new Uint32Array(bytes.buffer, 0, 32);
    words.fill(0);
    words.set([0x6b636c72, 1]);
    writeFileSync(path, bytes);
  },
  "zero length": (path) => writeFileSync(path, ""),
  "one byte": (path) => writeFileSync(path, "r"),
  "another version": (path) => {
    const words = new Uint32Array(1024);
    words.set([0x6b636c72, 2]);
    writeFileSync(path, words);
  },
  "more pages than there can be": (path) => {
    const words = new Uint32Array(1024);
    words.set([0x6b636c72, 1]);
    words[19] = 2 ** 31;
    writeFileSync(path, words);
  },
  "a holder's seat that does not exist": (path) => {
    const words = new Uint32Array(1024);
    words.set([0x6b636c72, 1]);
    words[4] = 1;
    words[7] = 2 ** 32 - 1;
    writeFileSync(path, words);
  },
};

/** Those of them that are told as another program's file: it is refused for as long as it is there. */
const neverLedgers = new Set(["a few random bytes", "one byte"]);

/** Deletes a file that was never a ledger, and that no command has changed or emptied. */
async function expectRefusedAndDelete(lockName: string, bytes: Buffer): Promise<void> {
  const { status, stderr } = await outcomeOf("run", "-t", "0", lockName, "--", "true");
  expect([status, stderr]).toEqual([71, expect.stringContaining("(it was never one)")]);
  expect(readFileSync(ledgerOf(lockName)).equals(bytes)).toBe(true);
  rmSync(ledgerOf(lockName));
}

/** A command that ends with status 0, 75 or as an error that is told. */
async function expectClearEnd(...words: string[]): Promise<number> {
  const { status, stderr } = await outcomeOf(...words);
  expect([0, 1, 71, 75]).toContain(status);
  if (status === 71) {
    expect(stderr).toMatch(/^resourcelock: Cannot use lock "[^"]+": its ledger is damaged/);
  }
  return status;
}

describe("a ledger with", () => {
  for (const [title, damage] of Object.entries(damages)) {
    test(`${title} that nobody uses is no obstacle, or is told as one; unget frees the lock`, async () => {
      const name = newLockName();
      await outcomeOf("run", name, "--", "true");
      damage(ledgerOf(name));
      const bytes = readFileSync(ledgerOf(name));
      await expectClearEnd("state", name);
      const first = await expectClearEnd("run", "-t", "0", name, "--", "true");
      if (first !== 0) await expectClearEnd("unget", name);
      if (neverLedgers.has(title)) await expectRefusedAndDelete(name, bytes);
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });

    test(`${title}, made so under a holder and those who wait, lets nobody else in and leaves no mark`, async () => {
      const name = newLockName();
      const { holder, command } = await runningCommand(name);
      const waiters = await threeWaiters(name);
      damage(ledgerOf(name));
      const bytes = readFileSync(ledgerOf(name));
      for (const words of [
        ["run", "-t", "0"],
        ["run", "-t", "1.2"],
        ["get", "-t", "0"],
      ]) {
        const [verb = "", ...options] = words;
        const rest = verb === "run" ? ["--", "true"] : [];
        expect(await expectClearEnd(verb, ...options, name, ...rest)).not.toBe(0);
      }
      await expectClearEnd("state", name);
      expect(isAlive(command)).toBe(true);
      await killStranger(command);
      await holder.exited();
      for (const waiter of waiters) {
        const outcome = await Promise.race([waiter.end(), Bun.sleep(20_000)]);
        if (outcome === undefined) throw new Error("a waiter waits for ever");
        // Either it is served or it is told; 1 is what an uncaught error of the library ends Bun with.
        expect([0, 1, 71]).toContain(outcome.status);
        expect(outcome.stderr).not.toContain("mkdir: cannot");
      }
      if (neverLedgers.has(title)) await expectRefusedAndDelete(name, bytes);
      await outcomeOf("unget", name);
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }
});

describe("a ledger that is cut short", () => {
  for (const bytes of [0, 64, 128, 200]) {
    test(`to ${bytes} bytes under a holder and those who wait lets nobody else in, and all are served`, async () => {
      const name = newLockName();
      const { holder, command } = await runningCommand(name);
      const waiters = await threeWaiters(name);
      truncateSync(ledgerOf(name), bytes);
      expect((await outcomeOf("run", "-t", "1.5", name, "--", "true")).status).toBe(75);
      expect(isAlive(command)).toBe(true);
      await killStranger(command);
      await holder.exited();
      await expectAllServed(waiters);
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }

  test("again and again under a crowd of runs: never two at once, and all come to an end", async () => {
    const name = newLockName();
    const witness = `/dev/shm/${name}.witness`;
    const script = `for i in $(seq ${isWhole ? 15 : 5}); do "$RESOURCELOCK" run -t 20 ${name} -- sh -c 'mkdir ${witness} && sleep 0.01 && rmdir ${witness}' || exit; done`;
    const shells = [1, 2, 3, 4].map(() => launch(["sh", "-c", script]));
    const ended = Promise.all(shells.map((shell) => shell.end()));
    while (await isPending(ended)) {
      if (existsSync(ledgerOf(name))) truncateSync(ledgerOf(name), 0);
    }
    for (const { stderr } of await ended) expect(stderr).not.toContain("mkdir: cannot");
    await outcomeOf("unget", name);
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });
});

describe("under a group of holders a ledger", () => {
  const spoilings: Record<string, (path: string) => void> = {
    "is emptied": (path) => truncateSync(path, 0),
    "is cut to its header": (path) => truncateSync(path, 128),
    "loses all seats": (path) => writeOver(path, 128, new Uint8Array(31 * 128)),
    "gets random bytes": (path) => writeOver(path, 0, crypto.getRandomValues(new Uint8Array(4096))),
  };
  for (const [title, spoil] of Object.entries(spoilings)) {
    test.each([["--shared"], ["--slots=2"]])(
      `${title}: nobody else gets in before the last of them has left (%s)`,
      async (kind) => {
        const name = newLockName();
        const first = await runningCommand(name, kind);
        const last = await runningCommand(name, kind);
        spoil(ledgerOf(name));
        await killStranger(first.command);
        await first.holder.exited();
        for (const words of [
          ["run", "-t", "0", name],
          ["run", "-t", "1.2", name],
          ["run", "-t", "0", kind, name],
        ]) {
          expect(await expectClearEnd(...words, "--", "true")).not.toBe(0);
        }
        // Nor would a peer.
        expect(semaphoreValue(name)).toBe(0);
        expect(isAlive(last.command)).toBe(true);
        await killStranger(last.command);
        await last.holder.exited();
        expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
        expect(await stateOf(name)).toMatchObject(atRest);
      },
    );
  }
});

test("requests that fail as the ledger is damaged leave no descriptor open, and no seat taken", async () => {
  const name = newLockName();
  const { holder, command } = await runningCommand(name);
  using lock = new ResourceLock(name);
  using waiter = new StepwiseLock(name);
  const request = waiter.request({}, futexWait);
  expect(request.tryAdvance()).toBe(false);
  writeOver(ledgerOf(name), 0, crypto.getRandomValues(new Uint8Array(4096)));
  const failing = async () => {
    expect(() => lock.getLock({ timeout: 0 })).toThrow(LockDamagedError);
    const failure = await lock.acquire({ timeout: 0 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LockDamagedError);
  };
  await failing();
  const open = openDescriptors();
  for (let count = 0; count < 20; count++) await failing();
  expect(openDescriptors()).toBe(open);
  expect(waiter.settle(request, false)).toBe(false);
  await killStranger(command);
  await holder.exited();
  // Nobody is left who uses it, so it is begun anew.
  expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
});

function semaphoreValue(lockName: string): number {
  return readFileSync(semaphoreOf(lockName)).readUInt32LE();
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

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

describe("1,023 participants at once", () => {
  test("hold and wait as fewer do; one more gets a clear error; afterwards the ledger is small again", async () => {
    const name = newLockName();
    // In a process of its own: a run does not wait for what a process around it holds.
    const crowd = libraryUser(name, { shared: true, timeout: 0, count: 1022 });
    expect(await crowd.stdout.nextLine()).toStartWith("granted");
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    expect((await stateOf(name)).holders).toHaveLength(1022);

    using oneMore = new ResourceLock(name);
    expect(() => oneMore.getLock({ shared: true, timeout: 0 })).toThrow(LockFullError);
    expect(oneMore.acquire({ timeout: null })).rejects.toThrow(LockFullError);
    const { status, stderr } = await outcomeOf("run", name, "--", "true");
    expect(stderr).toBe(
      `resourcelock: Cannot wait for lock "${name}": 1023 others already hold it or wait for it\n`,
    );
    expect(status).toBe(71);

    await crowd.tell("release\n");
    expect(await crowd.stdout.nextLine()).toBe("released true");
    expect((await waiter.end()).status).toBe(0);
    expect(oneMore.getLock({ timeout: 0 })).toBe(true);
    expect(oneMore.ungetLock()).toBe(true);
    await crowd.endInput();
    await crowd.exited();
    expect(statSync(ledgerOf(name)).size).toBeLessThanOrEqual(16_384);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("that are all killed leave a lock that works, and a ledger that gets small again", async () => {
    const name = newLockName();
    const crowd = libraryUser(name, { shared: true, count: 1000 });
    await crowd.stdout.nextLine();
    expect(statSync(ledgerOf(name)).size).toBeGreaterThan(100_000);
    await crowd.kill();
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(0);
    expect(statSync(ledgerOf(name)).size).toBeLessThanOrEqual(16_384);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("that wait are all served", async () => {
    const name = newLockName();
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    const lock = new ResourceLock(name);
    let served = 0;
    const all = Array.from({ length: 300 }, async () => {
      using guard = await lock.acquire({ timeout: null });
      if (guard !== undefined) served += 1;
    });
    await waiting(name, 300);
    await holder.tell("release\n");
    await Promise.all(all);
    lock.close();
    expect(served).toBe(300);
    expect(statSync(ledgerOf(name)).size).toBeLessThanOrEqual(16_384);
  });
});

test("a peer that recreated the info segment alone is not taken for one that died", async () => {
  const name = newLockName();
  using lock = new ResourceLock(name);
  lock.getLock({ lockInfo: "before" });
  lock.ungetLock();
  rmSync(infoOf(name));
  const peer = pythonPeer(name, "hold", "--info", "alive");
  await peer.stdout.nextLine();
  expect(lock.getLock({ timeout: 2.5 })).toBe(false);
  await peer.endInput();
  await peer.exited();
  expect(lock.getLock({ timeout: 30 })).toBe(true);
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
