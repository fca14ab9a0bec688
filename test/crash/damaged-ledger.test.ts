/** The ledger of a lock is overwritten, or cut short, while the lock is in use or at rest. */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { futexWait } from "../../src/host/acquire.ts";
import { LockDamagedError, ResourceLock } from "../../src/index.ts";
import { casesOf, isWhole, newLockName } from "../support/binary.ts";
import { isAlive, killStranger } from "../support/process.ts";
import { StepwiseLock } from "../support/stepwise-lock.ts";
import { atRest, launch, outcomeOf, runningCommand, stateOf, writeOver } from "./participants.ts";
import { expectAllServed, isPending, ledgerOf, semaphoreOf, threeWaiters } from "./waiters.ts";

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
const neverLedgers = new Set(["random bytes", "a few random bytes", "one byte"]);

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
  for (const [title, damage] of casesOf(2, Object.entries(damages))) {
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
  for (const bytes of casesOf(1, [0, 64, 128, 200])) {
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
  const cases = Object.entries(spoilings).flatMap(([title, spoil]) =>
    ["--shared", "--slots=2"].map((kind) => ({ title, spoil, kind })),
  );
  for (const { title, spoil, kind } of casesOf(2, cases)) {
    test(`${title}: nobody else gets in before the last of them has left (${kind})`, async () => {
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
      if (title === "gets random bytes") rmSync(ledgerOf(name));
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
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
  // Nobody can tell it from another program's file.
  rmSync(ledgerOf(name));
  expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
});

function semaphoreValue(lockName: string): number {
  return readFileSync(semaphoreOf(lockName)).readUInt32LE();
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
