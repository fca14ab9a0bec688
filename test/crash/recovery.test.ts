/** What becomes of a lock when its holder is killed. */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { firstPageSeats } from "../../src/host/ledger/layout.ts";
import { tryShareByte } from "../../src/posix/byte-lock.ts";
import { newLockName } from "../support/binary.ts";
import { isAlive, killStranger } from "../support/process.ts";
import {
  atRest,
  endlessCommand,
  faultAt,
  held,
  libraryUser,
  outcomeOf,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { ledgerOf, twoWaiters } from "./waiters.ts";

interface Holder {
  pid: number;
  command: string;
  kill(): Promise<void>;
}

describe("the holder is killed at rest", () => {
  const holders: Record<string, (lockName: string) => Promise<Holder>> = {
    "run and its command": async (lockName) => {
      const { holder, command } = await runningCommand(lockName);
      return {
        pid: holder.pid,
        command: endlessCommand.join(" "),
        async kill() {
          await holder.kill();
          await killStranger(command);
        },
      };
    },
    "get -a": async (lockName) => {
      const holder = resourcelock(["get", lockName, "-a", "1000", "-m", "make deploy"]);
      await holder.stdout.nextLine();
      return { pid: holder.pid, command: "make deploy", kill: () => holder.kill() };
    },
    "a process that uses the library": async (lockName) => {
      const holder = libraryUser(lockName, { lockInfo: "make deploy" });
      await holder.stdout.nextLine();
      return { pid: holder.pid, command: "make deploy", kill: () => holder.kill() };
    },
  };
  for (const [title, hold] of Object.entries(holders)) {
    test(`${title}: the next waiter adopts the lock and says from whom, and nobody else gets in`, async () => {
      const name = newLockName();
      const holder = await hold(name);
      const [first, second] = await twoWaiters(name);
      await holder.kill();
      const adopter = await first.end();
      expect(adopter.stderr).toContain(
        `resourcelock: took over lock "${name}" from pid ${holder.pid} (${holder.command}), which died; its work may be unfinished\n`,
      );
      expect(adopter.status).toBe(0);
      const next = await second.end();
      expect(next.stderr).not.toContain("took over");
      expect(next.status).toBe(0);
      expect(await stateOf(name)).toMatchObject(atRest);
    });
  }

  test("run names nobody when a process died before it could say that it holds", async () => {
    const name = newLockName();
    expect((await outcomeOf("run", name, "--", "true")).status).toBe(0);
    await resourcelock(["run", name, "--", "true"], faultAt("taken")).exited();
    const { status, stderr } = await outcomeOf("run", name, "--", "true");
    const told = "from a process that died; its work may be unfinished";
    expect(stderr).toBe(`resourcelock: took over lock "${name}" ${told}\n`);
    expect(status).toBe(0);
  });

  test("a library process that waits adopts it, too", async () => {
    const name = newLockName();
    const holder = resourcelock(["get", name, "-a", "1000"]);
    const token = (await held(name, "attached")).holders[0]?.token ?? 0;
    const waiter = libraryUser(name);
    await waiting(name, 1);
    await holder.kill();
    const [, adoptersToken] = (await waiter.stdout.nextLine()).split(" ");
    expect(Number(adoptersToken)).toBeGreaterThan(token);
    expect((await stateOf(name)).holders).toMatchObject([
      { pid: waiter.pid, attachment: "attached" },
    ]);
  });

  test("who comes only later adopts it at once, without waiting", async () => {
    const name = newLockName();
    const holder = libraryUser(name, { lockInfo: "make deploy" });
    await holder.stdout.nextLine();
    await holder.kill();
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "stale" }]);
    const { status, stderr } = await outcomeOf("run", "-n", name, "--", "true");
    expect([status, stderr]).toEqual([
      0,
      `resourcelock: took over lock "${name}" from pid ${holder.pid} (make deploy), which died; its work may be unfinished\n`,
    ]);
  });
});

describe("run is killed while its command lives", () => {
  test("the lock stays with the command, and is recovered when that ends", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    await holder.kill();
    expect((await stateOf(name)).holders).toMatchObject([
      { pid: holder.pid, attachment: "attached" },
    ]);
    expect((await outcomeOf("get", name, "-t", "0")).status).toBe(75);
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    expect(isAlive(command)).toBe(true);
    await killStranger(command);
    const { status, stderr } = await waiter.end();
    expect(status).toBe(0);
    expect(stderr).toContain(
      `from pid ${holder.pid} (${endlessCommand.join(" ")}), which died; its work may be unfinished\n`,
    );
  });

  test("the lock stays with what the command has started, too", async () => {
    const name = newLockName();
    const script = "sleep 1000 >/dev/null 2>&1 & echo $! $$; exec cat";
    const holder = resourcelock(["run", name, "--", "sh", "-c", script]);
    const [child, command] = (await holder.stdout.nextLine()).split(" ").map(Number);
    await holder.kill();
    await killStranger(command ?? 0);
    expect((await outcomeOf("get", name, "-t", "0")).status).toBe(75);
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    await killStranger(child ?? 0);
    const { status, stderr } = await waiter.end();
    expect(status).toBe(0);
    expect(stderr).toContain(` from pid ${holder.pid} `);
  });

  for (const option of ["-o", "--close"]) {
    test(`with ${option} the lock does not stay with the command`, async () => {
      const name = newLockName();
      const { holder, command } = await runningCommand(name, option);
      await holder.kill();
      const { status, stderr } = await outcomeOf("run", "-n", name, "--", "true");
      expect([status, isAlive(command)]).toEqual([0, true]);
      expect(stderr).toContain(` from pid ${holder.pid} `);
    });
  }

  test("its descriptor is the only thing that the command gets beside its own; with --close not even that", async () => {
    const name = newLockName();
    const list = ["--", "sh", "-c", "ls /proc/$$/fd"];
    const { stdout } = await outcomeOf("run", name, ...list);
    const closed = await outcomeOf("run", "--close", name, ...list);
    expect(stdout.trim().split("\n")).toHaveLength(closed.stdout.trim().split("\n").length + 1);
  });
});

/** Does something while nobody can lock the mutex of a ledger, as one may who may only read it. */
async function withMutex<T>(path: string, act: () => Promise<T>): Promise<T> {
  const descriptor = openSync(path, "r");
  try {
    expect(tryShareByte(descriptor, 2 ** 30)).toBe(true);
    return await act();
  } finally {
    closeSync(descriptor);
  }
}

describe("the command leaves a process behind", () => {
  test("a daemon keeps none of the locks when somebody keeps one's ledger locked while run releases", async () => {
    const [quiet, busy] = [newLockName(), newLockName()].toSorted();
    if (quiet === undefined || busy === undefined) throw new RangeError();
    const script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; read line";
    const holder = resourcelock(["run", `${quiet},${busy}`, "--", "sh", "-c", script]);
    const daemon = Number(await holder.stdout.nextLine());
    try {
      const outcome = await withMutex(ledgerOf(busy), async () => {
        await holder.tell("\n");
        return await holder.end();
      });
      expect(outcome.status).toBe(71);
      expect(outcome.stderr).toContain(`Cannot use lock "${busy}"`);
      expect(await stateOf(quiet)).toMatchObject(atRest);
      const next = await outcomeOf("run", "-n", busy, "--", "true");
      expect({ status: next.status, tookOver: next.stderr.includes("took over") }).toEqual({
        status: 0,
        tookOver: true,
      });
      expect(isAlive(daemon)).toBe(true);
    } finally {
      process.kill(daemon, "SIGKILL");
    }
  });

  test("a daemon keeps no later holder's seat when run is killed just as it has left it", async () => {
    const name = newLockName();
    const script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
    const left = resourcelock(["run", name, "--", "sh", "-c", script], faultAt("seat-left"));
    const daemon = Number(await left.stdout.nextLine());
    try {
      expect(await left.exited()).toBe(137);
      // Once around, so that the next one sits where that one sat.
      const others = libraryUser(name, {
        shared: true,
        count: firstPageSeats - 1,
        log: "/dev/null",
      });
      expect(await others.exited()).toBe(0);
      const { holder, command } = await runningCommand(name);
      await holder.kill();
      await killStranger(command);
      expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(0);
      expect(isAlive(daemon)).toBe(true);
    } finally {
      process.kill(daemon, "SIGKILL");
    }
  });

  test("a daemon does not keep the lock once run has ended normally", async () => {
    const name = newLockName();
    const script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
    const { status, stdout } = await outcomeOf("run", name, "--", "sh", "-c", script);
    const daemon = Number(stdout);
    try {
      expect([status, isAlive(daemon)]).toEqual([0, true]);
      const next = await outcomeOf("run", "-n", name, "--", "true");
      expect([next.status, next.stderr]).toEqual([0, ""]);
      expect(await stateOf(name)).toMatchObject(atRest);
    } finally {
      process.kill(daemon, "SIGKILL");
    }
  });
});
