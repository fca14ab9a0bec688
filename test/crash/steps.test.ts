/** A participant is killed between two steps of a grant or a release: nothing is lost, and nobody else gets in. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { isWhole, newLockName } from "../support/binary.ts";
import { killStranger, type TestProcess } from "../support/process.ts";
import { faultPoints } from "./build.ts";
import {
  atRest,
  bash,
  endlessCommand,
  faultAt,
  libraryUser,
  outcomeOf,
  pythonPeer,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { eventually } from "../support/eventually.ts";

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
  "run --newest behind another one": async (name, fault) => {
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    const older = resourcelock(["run", "--newest", name, "--", "true"]);
    await waiting(name, 1);
    const newer = resourcelock(["run", "--newest", name, "--", "true"], fault);
    const isThere = eventually("the newer one", async () =>
      (await stateOf(name)).waiters.some(({ pid }) => pid === newer.pid),
    ).catch(() => {});
    await Promise.race([newer.exited(), Promise.all([older.exited(), isThere])]);
    await holder.kill();
    return newer.exited();
  },
  "run --replace behind one that may be replaced": async (name, fault) => {
    const older = resourcelock(["run", "--replace", name, "--", ...endlessCommand]);
    await older.stdout.nextLine();
    const newer = resourcelock(["run", "--replace", name, "--", "true"], fault);
    const status = await newer.exited();
    // It may have died before it asked.
    if (status === 137) older.signal("SIGTERM");
    await older.exited();
    return status;
  },
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

/**
 * A way on which one dies at each point. A step that is not here is looked for on all ways: add it when that has told.
 */
const knownWays: Record<string, string> = {
  asked: "run --replace behind one that may be replaced",
  "before-exec": "run --no-fork",
  "before-spawn": "run on a free lock",
  "before-take": "run on a free lock",
  between: "run behind a crowd",
  detached: "get bound to a process that ends",
  entered: "run behind a holder",
  evicted: "unget of a holder who lives",
  forced: "unget of a detached hold",
  freed: "run on a free lock",
  "given-back": "run on a free lock",
  granted: "run on a free lock",
  held: "run on a free lock",
  joined: "run --shared in a crowd",
  left: "get behind a holder, in vain",
  looked: "unget of a detached hold",
  "seat-left": "run on a free lock",
  superseded: "run --newest behind another one",
  taken: "run on a free lock",
  "taken-by-waiting": "run behind a detached hold",
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

/** Goes all ways for a step, those that do not lead there too. @returns those on which one died */
async function deadlyWays(point: string): Promise<string[]> {
  const names = Object.keys(ways);
  const deaths = await Promise.all(names.map((way) => dies(way, point)));
  return names.filter((_, index) => deaths[index]);
}

/** How many ways are gone at once: what takes time on them is that somebody waits. */
const lanes = 4;

/** Goes the known way of each step. @returns the steps at which nobody died */
async function survivedSteps(points: readonly string[]): Promise<string[]> {
  const survived: string[] = [];
  const left = [...points];
  const lane = async () => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) {
      const way = knownWays[point];
      const isDeadly =
        way === undefined ? (await deadlyWays(point)).length > 0 : await dies(way, point);
      if (!isDeadly) survived.push(point);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return survived;
}

describe("a participant dies at a step of get or unget", () => {
  const title = "the next one gets the lock, the semaphore ends at 1, and nobody is left";
  if (isWhole) {
    test.each(faultPoints())(`at "%s": ${title}`, async (point) => {
      const deadly = await deadlyWays(point);
      expect(deadly).not.toEqual([]);
      expect(deadly).toContain(knownWays[point] ?? deadly[0] ?? "");
    });
  } else {
    test(`on one way to each step: ${title}`, async () => {
      expect(await survivedSteps(faultPoints())).toEqual([]);
    });
  }
});

/** What `get` leaves on purpose. */
async function isDetachedForGood(lockName: string): Promise<boolean> {
  const { holders } = await stateOf(lockName);
  return holders.some(({ attachment }) => attachment === "detached");
}

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
