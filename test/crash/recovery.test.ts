/** What becomes of a lock when its holder is killed. */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { isWhole, newLockName } from "../support/binary.ts";
import { eventually, isAlive, killStranger, type TestProcess } from "../support/process.ts";
import { faultPoints } from "./build.ts";
import {
  atRest,
  bash,
  endlessCommand,
  faultAt,
  held,
  launch,
  libraryUser,
  outcomeOf,
  pythonPeer,
  pythonPeerWords,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";

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

/** Two that wait, one behind the other; the status of each tells whether it was alone. */
async function twoWaiters(lockName: string): Promise<[TestProcess, TestProcess]> {
  const witness = `/dev/shm/${lockName}.witness`;
  const section = ["sh", "-c", `mkdir ${witness} && sleep 0.1 && rmdir ${witness}`];
  const first = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 1);
  const second = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 2);
  return [first, second];
}

type Environment = Record<string, string>;

/**
 * Ways through get and unget, with one participant that obeys `fault`. Each gives that one's exit status, and
 * leaves nobody alive who holds the lock or waits.
 */
const ways: Record<string, (lockName: string, fault: Environment) => Promise<number>> = {
  "get behind a holder, in vain": async (name, fault) => {
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    const status = await resourcelock(["get", name, "-t", "0.1"], fault).exited();
    await holder.kill();
    return status;
  },
  "run on a free lock": (name, fault) => resourcelock(["run", name, "--", "true"], fault).exited(),
  "run --no-fork": (name, fault) => resourcelock(["run", "-F", name, "true"], fault).exited(),
  "run behind one that ended by a release": async (name, fault) => {
    await outcomeOf("run", "-F", name, "true");
    return resourcelock(["run", name, "true"], fault).exited();
  },
  "run behind a holder": (name, fault) =>
    behindHolder(name, () => resourcelock(["run", name, "--", "true"], fault)),
  "run behind a detached hold": async (name, fault) => {
    await outcomeOf("get", name);
    const waiter = resourcelock(["run", name, "--", "true"], fault);
    await waitingOrEnded(name, waiter);
    await outcomeOf("unget", name);
    return waiter.exited();
  },
  "run behind one that died": async (name, fault) => {
    await resourcelock(["get", name, "-a", "1000"], faultAt("granted")).exited();
    return resourcelock(["run", name, "--", "true"], fault).exited();
  },
  "get bound to a process that ends": (name, fault) =>
    bash(`RESOURCELOCK_FAULT=$FAULT resourcelock get ${name} --owner-pid $$; exit $?`, {
      FAULT: fault["RESOURCELOCK_FAULT"] ?? "",
    }).exited(),
  "get -a": (name, fault) => resourcelock(["get", name, "-a", "0"], fault).exited(),
  "unget of a detached hold": async (name, fault) => {
    await outcomeOf("get", name);
    return resourcelock(["unget", name], fault).exited();
  },
  "unget of a holder who lives": async (name, fault) => {
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    const status = await resourcelock(["unget", name], fault).exited();
    await holder.tell("release\n");
    await holder.stdout.nextLine();
    await holder.kill();
    return status;
  },
  "the library on a free lock": (name, fault) => releasing(libraryUser(name, {}, fault)),
  "the library behind a holder": (name, fault) =>
    behindHolder(name, () => libraryUser(name, {}, fault), releasing),
  "run --shared in a crowd": async (name, fault) => {
    const crowd = libraryUser(name, { shared: true, count: 20 });
    await crowd.stdout.nextLine();
    const status = await resourcelock(["run", "--shared", name, "--", "true"], fault).exited();
    await crowd.kill();
    return status;
  },
  "run behind a crowd": async (name, fault) => {
    const crowd = libraryUser(name, { shared: true, count: 20 });
    await crowd.stdout.nextLine();
    const waiter = resourcelock(["run", name, "--", "true"], fault);
    await waitingOrEnded(name, waiter);
    await crowd.kill();
    return waiter.exited();
  },
};

async function behindHolder(
  lockName: string,
  startWaiter: () => TestProcess,
  endOf: (waiter: TestProcess) => Promise<number> = (waiter) => waiter.exited(),
): Promise<number> {
  const { holder, command } = await runningCommand(lockName);
  const waiter = startWaiter();
  await waitingOrEnded(lockName, waiter);
  await killStranger(command);
  await holder.exited();
  return endOf(waiter);
}

async function waitingOrEnded(lockName: string, waiter: TestProcess): Promise<void> {
  await Promise.race([waiting(lockName, 1).catch(() => {}), waiter.exited()]);
}

/** Lets a process that uses the library release what it got, and end. */
async function releasing(user: TestProcess): Promise<number> {
  const ended = user.exited();
  await Promise.race([ended, user.stdout.nextLine().catch(() => {})]);
  try {
    await user.tell("release\n");
    await user.endInput();
  } catch {
    // It has died.
  }
  return ended;
}

/**
 * Goes one way, with a participant that dies at a fault point if it comes there, and looks what becomes of the lock.
 *
 * @returns whether one died
 */
async function dies(way: string, point: string): Promise<boolean> {
  const name = newLockName();
  const status = await ways[way]?.(name, faultAt(point));
  if (way.startsWith("unget") || (await isDetachedForGood(name))) await outcomeOf("unget", name);
  const next = await outcomeOf("run", "-t", "30", name, "--", "true");
  expect([way, next.status]).toEqual([way, 0]);
  expect([way, await stateOf(name)]).toMatchObject([way, atRest]);
  return status === 137;
}

/** The ways on which one dies: with --all of all ways, else the first one. */
async function deadlyWays(point: string): Promise<string[]> {
  if (isWhole) {
    const names = Object.keys(ways);
    const deaths = await Promise.all(names.map((way) => dies(way, point)));
    return names.filter((_, index) => deaths[index]);
  }
  for (const way of Object.keys(ways)) if (await dies(way, point)) return [way];
  return [];
}

describe("a participant dies at a step of get or unget", () => {
  for (const point of faultPoints()) {
    test(`at "${point}": the next one gets the lock, the semaphore ends at 1, and nobody is left`, async () => {
      expect(await deadlyWays(point)).not.toEqual([]);
    });
  }
});

/** What `get` leaves on purpose. */
async function isDetachedForGood(lockName: string): Promise<boolean> {
  const { holders } = await stateOf(lockName);
  return holders.some(({ attachment }) => attachment === "detached");
}

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

describe("the command leaves a process behind", () => {
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

describe("a participant that died between two steps", () => {
  for (const point of ["taken", "freed"]) {
    test(`at "${point}": get with its default time-out gets the lock at last, when it is tried again and again`, async () => {
      const name = newLockName();
      await resourcelock(["run", name, "--", "true"], faultAt(point)).exited();
      await eventually("grant", async () => (await outcomeOf("get", name)).status === 0);
    });
  }
});

describe("a participant that died before it took the unit", () => {
  for (const waiter of ["run", "the library"]) {
    test(`${waiter} does not get in beside a peer that took it then, and whose text nobody can see`, async () => {
      const name = newLockName();
      await outcomeOf("run", name, "--", "true");
      const noted = readFileSync(`/dev/shm/${name}`);
      const fault = faultAt("before-take");
      expect(await resourcelock(["run", name, "--", "true"], fault).exited()).toBe(137);
      const peer = pythonPeer(name, "hold");
      expect(await peer.stdout.nextLine()).toBe("held");
      // As in a segment that was deleted under the peer, which goes on with the old one.
      writeFileSync(`/dev/shm/${name}`, noted);
      if (waiter === "run") {
        expect((await outcomeOf("run", "-t", "2.5", name, "--", "true")).status).toBe(75);
      } else {
        const user = libraryUser(name, { timeout: 2.5 });
        expect(await user.stdout.nextLine()).toBe("not granted");
      }
      expect((await stateOf(name)).holders).toMatchObject([{ attachment: "foreign" }]);
      await peer.tell("\n");
      expect(await peer.exited()).toBe(0);
      expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    });
  }
});

describe("a holder from whom the lock was forced", () => {
  test("ungetLock is false and posts nothing while the lock is free", async () => {
    const name = newLockName();
    const holder = libraryUser(name, { lockInfo: "make deploy" });
    await holder.stdout.nextLine();
    const { status, stderr } = await outcomeOf("unget", name);
    expect([status, stderr]).toEqual([
      0,
      `resourcelock: warning: pid ${holder.pid} (make deploy) is still running, without lock "${name}"\n`,
    ]);
    await holder.tell("release\n");
    expect(await holder.stdout.nextLine()).toBe("released false");
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("ungetLock is false and posts nothing while another holds it", async () => {
    const name = newLockName();
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    await outcomeOf("unget", name);
    const next = libraryUser(name);
    await next.stdout.nextLine();
    await holder.tell("release\n");
    expect(await holder.stdout.nextLine()).toBe("released false");
    const { value, holders } = await stateOf(name);
    expect({ value, holders }).toMatchObject({ value: 0, holders: [{ pid: next.pid }] });
    await next.tell("release\n");
    expect(await next.stdout.nextLine()).toBe("released true");
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run says so when its command has ended, with the command's status", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    await outcomeOf("unget", name);
    await killStranger(command);
    const { status, stderr } = await holder.end();
    expect(stderr).toMatch(
      new RegExp(`lock "${name}" was released by force by pid \\d+ while the command ran`),
    );
    expect(status).toBe(137);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("who waited behind it gets the lock, although the holder lives on", async () => {
    const name = newLockName();
    const { holder } = await runningCommand(name);
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    await outcomeOf("unget", name);
    expect((await waiter.end()).status).toBe(0);
    expect(isAlive(holder.pid)).toBe(true);
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

describe("a peer that holds, and a text that comes back", () => {
  test("run waits for the peer when it is one that a participant set before", async () => {
    const name = newLockName();
    expect((await outcomeOf("run", name, "--", "true")).status).toBe(0);
    expect((await outcomeOf("info", name, "--set", "idle")).status).toBe(0);
    const peer = pythonPeer(name, "hold", "--info", "busy");
    await peer.stdout.nextLine();
    await pythonPeer(name, "set-info", "idle").exited();
    expect((await outcomeOf("run", "-t", "3", name, "--", "true")).status).toBe(75);
    expect((await outcomeOf("remove", "--stale", name)).status).not.toBe(0);
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "foreign" }]);
    await peer.endInput();
    await peer.exited();
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run waits for the peer when everybody sets the same text once inside", async () => {
    const name = newLockName();
    for (let count = 0; count < 2; count++) {
      const set = `"$RESOURCELOCK" info ${name} --set busy`;
      expect((await bash(`resourcelock run ${name} -- sh -c '${set}'`).end()).status).toBe(0);
    }
    const peer = pythonPeer(name, "hold", "--info", "");
    await peer.stdout.nextLine();
    await pythonPeer(name, "set-info", "busy").exited();
    expect((await outcomeOf("run", "-t", "3", name, "--", "true")).status).toBe(75);
    await peer.endInput();
    await peer.exited();
  });
});

/** Starts the Python peer in a time zone. */
function peerIn(zone: string, ...words: string[]): TestProcess {
  return launch(["env", `TZ=${zone}`, ...pythonPeerWords(...words)]);
}

/** The end of a `run` whose lock a peer has by then. */
async function endUnderPeer(
  name: string,
  { zone = "UTC", before = [], after = [] }: { zone?: string; before?: string[]; after?: string[] },
): Promise<{ stderr: string; value: number | null }> {
  const { holder, command } = await runningCommand(name);
  if (before.length > 0) await outcomeOf(...before);
  await peerIn(zone, name, "unget", "--force").exited();
  const peer = peerIn(zone, name, "hold", "--info", "mine now");
  await peer.stdout.nextLine();
  if (after.length > 0) await pythonPeer(name, ...after).exited();
  await killStranger(command);
  const { stderr } = await holder.end();
  const { value } = await stateOf(name);
  await peer.endInput();
  await peer.exited();
  return { stderr, value };
}

describe("a peer forces the lock from a run and takes it", () => {
  test.each(["UTC", "Etc/GMT+11", "Etc/GMT-14"])(
    "run leaves the peer's unit alone when the peer's zone is %s",
    async (zone) => {
      const name = newLockName();
      const { stderr, value } = await endUnderPeer(name, { zone });
      expect(value).toBe(0);
      expect(stderr).toContain("was released by force");
      expect(await stateOf(name)).toMatchObject(atRest);
    },
  );

  test("run leaves the peer's unit alone when somebody had set a text before", async () => {
    const name = newLockName();
    const { stderr, value } = await endUnderPeer(name, {
      before: ["info", name, "--set", "half done"],
    });
    expect(value).toBe(0);
    expect(stderr).toContain("was released by force");
  });

  test("run leaves the peer's unit alone when the peer has set a short text by then", async () => {
    const name = newLockName();
    const { stderr, value } = await endUnderPeer(name, { after: ["set-info", "half done"] });
    expect(value).toBe(0);
    expect(stderr).toContain("was released by force");
  });

  test("run releases its lock when a text was only set", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    await pythonPeer(name, "set-info", "half done").exited();
    await killStranger(command);
    expect((await holder.end()).stderr).not.toContain("force");
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run waits for the peer when the holder was killed meanwhile", async () => {
    const name = newLockName();
    const holder = resourcelock(["get", name, "-a", "1000"]);
    await holder.stdout.nextLine();
    await peerIn("Etc/GMT+11", name, "unget", "--force").exited();
    const peer = peerIn("Etc/GMT+11", name, "hold");
    await peer.stdout.nextLine();
    await holder.kill();
    expect((await outcomeOf("run", "-t", "2", name, "--", "true")).status).toBe(75);
    await peer.endInput();
    await peer.exited();
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
  });
});
