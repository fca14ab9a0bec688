/** `remove`: what it deletes, what it leaves, and what becomes of those who use the lock meanwhile. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { buildWhereStale, testBinary } from "../../crash/build.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "../../faults/private-shared-memory.ts";
import {
  isWhole,
  bash,
  haveTools,
  newLockName,
  resourcelock,
  startCommand,
} from "../../support/binary.ts";
import { binary, runToEnd, start } from "../../support/process.ts";
import {
  heldText,
  isPending,
  jsonLines,
  maskTimes,
  masked,
  newHeldLock,
  objectsOf,
  printed,
  untilWaiting,
} from "./scenario.ts";

async function newFreeLock(): Promise<string> {
  const name = await newHeldLock();
  await resourcelock("unget", name, "-q");
  return name;
}

/** A lock whose holder died. */
async function newStaleLock(): Promise<string> {
  const name = newLockName();
  await bash(`sh -c '"$RESOURCELOCK" get ${name} -q --owner-pid $$; :'`);
  return name;
}

const missing = (name: string) => `${name}: there is no such lock on this host\n`;

describe("remove", () => {
  test("deletes all objects of a free lock; a second time there is none, and status 1", async () => {
    const name = await newFreeLock();
    expect(await masked("remove", name)).toEqual(printed(`${name}: removed\n`));
    expect(objectsOf(name)).toEqual([]);
    expect(await masked(name, "remove")).toEqual(printed(missing(name), 1));
    expect((await resourcelock("get", name, "-q")).status).toBe(0);
  });

  test("refuses with status 1 what is held, and says by whom", async () => {
    const name = await newHeldLock();
    expect(await masked("remove", name)).toEqual(
      printed(`${name}: not removed; ${heldText()}\n`, 1),
    );
    expect(objectsOf(name)).toHaveLength(3);
    expect(await masked("remove", name, "-q")).toEqual(printed("", 1));
  });

  test("refuses what is waited for, too", async () => {
    const name = await newHeldLock();
    const waiter = startCommand("get", name, "-q", "-t", "1h");
    await untilWaiting(name);
    const { status, stdout } = await masked("remove", name);
    expect([status, stdout]).toEqual([
      1,
      expect.stringMatching(/held by holder .*, and 1 waits\n$/),
    ]);
    await resourcelock("unget", name, "-q");
    expect((await waiter.end()).status).toBe(0);
  });

  test("--json tells what became of it", async () => {
    const name = await newHeldLock();
    expect(await jsonLines("remove", name)).toMatchObject([
      { name, exists: true, locked: true, value: 0, removed: false, holders: [{}] },
    ]);
    await resourcelock("unget", name, "-q");
    const gone = { exists: false, locked: false, value: null, info: null, holders: [] };
    expect(await jsonLines("remove", name)).toMatchObject([{ name, ...gone, removed: true }]);
    expect(await jsonLines("remove", name)).toMatchObject([{ name, ...gone, removed: false }]);
  });

  test("--force takes the lock from who holds it, and both say so; who waits gets the new one", async () => {
    const name = newLockName();
    const holder = startCommand("run", name, "--", "sh", "-c", "echo held; read line; :");
    await holder.stdout.until("held");
    const waiter = startCommand("run", name, "--", "echo", "next");
    await waiter.stderr.until(" for lock ");
    const { status, stdout, stderr } = await resourcelock("remove", name, "--force");
    expect([status, stdout]).toEqual([0, `${name}: removed\n`]);
    expect(stderr).toMatch(
      /^resourcelock: warning: pid \d+ \(sh.*\) is still running, without lock "\S+"\n$/,
    );
    expect((await waiter.end()).stdout).toBe("next\n");
    await holder.endInput();
    const { status: ended, stderr: warning } = await holder.end();
    expect(ended).toBe(69);
    expect(warning).toMatch(/was released by force by pid \d+ while the command ran/);
    expect(await jsonLines("state", name)).toMatchObject([{ locked: false, waiters: [] }]);
  });

  test("--force names what it leaves: an info segment that is no file", async () => {
    const name = await newFreeLock();
    const path = `/dev/shm/${name}`;
    rmSync(path);
    mkdirSync(path);
    expect(await resourcelock("remove", name, "--force")).toEqual({
      ...printed(`${name}: removed\n`),
      stderr: `resourcelock: warning: did not delete ${path}: it is not a file\n`,
    });
    expect(objectsOf(name)).toEqual([name]);
  });

  test("wants a NAME or --stale, and not --force with that", async () => {
    for (const words of [
      ["remove"],
      ["remove", "--dry-run"],
      ["remove", "x", "--stale", "--force"],
    ]) {
      expect((await resourcelock(...words)).status).toBe(64);
    }
  });

  test("again and again under a crowd of runs: never two at once, and all are served", async () => {
    const name = newLockName();
    const witness = `/dev/shm/${name}.witness`;
    const section = `mkdir ${witness} && sleep 0.005 && rmdir ${witness}`;
    // With a pause, in which nobody may use the lock, so that it can be removed.
    const script = `for i in $(seq ${isWhole ? 25 : 8}); do "$RESOURCELOCK" run ${name} -q -- sh -c '${section}' || exit; sleep 0.04; done`;
    const shells = [1, 2, 3].map(() => start(["sh", "-c", script]));
    const statuses = Promise.all(shells.map(async (shell) => (await shell.end()).status));
    let removed = 0;
    do {
      const { status, stderr } = await resourcelock("remove", name);
      expect([[0, 1].includes(status), stderr]).toEqual([true, ""]);
      if (status === 0) removed += 1;
    } while (await isPending(statuses));
    expect(await statuses).toEqual([0, 0, 0]);
    expect(removed).toBeGreaterThan(0);
    expect((await resourcelock("run", name, "-n", "--", "true")).status).toBe(0);
  });
});

/** A lock whose holder was killed after it took the semaphore, before the ledger said so. */
async function newLostLock(): Promise<string> {
  const name = await newFreeLock();
  buildWhereStale();
  const words = [testBinary, "run", name, "--", "true"];
  const { status } = await runToEnd(words, { env: { RESOURCELOCK_FAULT: "taken" } });
  expect(status).toBe(137);
  return name;
}

describe("remove NAME --stale", () => {
  test("removes what waits to be adopted, which remove alone refuses", async () => {
    const name = await newStaleLock();
    const { status, stdout } = await resourcelock("remove", name);
    expect([status, stdout.replace(/pid \d+ \(.*?\)|pid \d+/, "PID")]).toEqual([
      1,
      `${name}: not removed; held by PID, which died; to remove it: resourcelock remove --stale ${name}\n`,
    ]);
    expect(await resourcelock("remove", name, "--stale")).toEqual(printed(`${name}: removed\n`));
    expect(objectsOf(name)).toEqual([]);
  });

  test("removes a lock that is locked and that nobody says to hold, a second later", async () => {
    const name = await newLostLock();
    expect(await resourcelock("remove", name, "--stale")).toEqual(printed(`${name}: removed\n`));
  });

  test("leaves a lock of a peer that was between taking it and saying so", async () => {
    const name = await newLostLock();
    const removal = startCommand("remove", name, "--stale", "-v");
    await removal.stderr.until("looking again");
    writeFileSync(`/dev/shm/${name}`, "2026-01-01 00:00:00.000000 - the peer", { flag: "r+" });
    expect((await removal.end()).status).toBe(1);
    expect(objectsOf(name)).toHaveLength(3);
  });

  test("leaves everything else, with status 1", async () => {
    for (const name of [await newFreeLock(), await newHeldLock()]) {
      const { status, stdout, stderr } = await resourcelock("remove", "--stale", name);
      expect([status, stdout, stderr]).toEqual([
        1,
        "",
        `resourcelock: lock "${name}" is not stale\n`,
      ]);
      expect(objectsOf(name)).toHaveLength(3);
    }
  });
});

/** Makes the files of a lock look as if they had been written some seconds ago. */
function age(name: string, seconds: number): void {
  const moment = new Date(Date.now() - seconds * 1000);
  for (const file of objectsOf(name)) utimesSync(`/dev/shm/${file}`, moment, moment);
}

/** Writes an info text, and keeps the times of the files. */
function writeInfoThrough(name: string, text: string): void {
  writeFileSync(`/dev/shm/${name}`, text, { flag: "r+" });
  age(name, 50);
}

test("remove is about this host, whatever RESOURCELOCK_SERVER says", async () => {
  const name = await newFreeLock();
  const script = `RESOURCELOCK_SERVER=http://127.0.0.1:1 "$RESOURCELOCK" remove ${name} --json`;
  const { status, stdout, stderr } = await bash(script);
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { name, exists: false, removed: true }]);
  expect(stderr).toBe(
    "resourcelock: warning: RESOURCELOCK_SERVER is ignored: remove is only about the locks of this host\n",
  );
  expect(objectsOf(name)).toEqual([]);
});

describe("remove --dry-run", () => {
  test("says what would be removed, and removes nothing", async () => {
    const free = await newFreeLock();
    const held = await newHeldLock();
    expect(await resourcelock("remove", free, "--dry-run")).toEqual(
      printed(`${free}: would be removed\n`),
    );
    expect(await masked("remove", held, "--dry-run")).toEqual(
      printed(`${held}: not removed; ${heldText()}\n`, 1),
    );
    expect(await resourcelock("remove", held, "--dry-run", "--force")).toEqual(
      printed(`${held}: would be removed\n`),
    );
    expect(await jsonLines("remove", free, "--dry-run")).toMatchObject([
      { name: free, exists: true, removable: true },
    ]);
    for (const name of [free, held]) expect(objectsOf(name)).toHaveLength(3);
    expect((await resourcelock("state", held, "--check")).status).toBe(1);
  });

  test("says with --stale what is stale", async () => {
    const name = await newStaleLock();
    expect(await resourcelock("remove", name, "--stale", "--dry-run")).toEqual(
      printed(`${name}: would be removed\n`),
    );
    expect(objectsOf(name)).toHaveLength(3);
  });
});

describe("remove NAME --unused", () => {
  test("removes a free lock that nobody has written to for that long", async () => {
    const name = await newFreeLock();
    writeInfoThrough(name, "\0");
    const { stdout, status } = await resourcelock("remove", name, "--unused", "1m");
    expect([stdout, status]).toEqual([`${name}: not removed; it was used too recently\n`, 1]);
    expect(objectsOf(name)).toHaveLength(3);
    expect(await resourcelock("remove", name, "--unused", "40s", "--dry-run")).toEqual(
      printed(`${name}: would be removed\n`),
    );
    expect(objectsOf(name)).toHaveLength(3);
    expect(await resourcelock("remove", name, "--unused", "40s")).toEqual(
      printed(`${name}: removed\n`),
    );
    expect(objectsOf(name)).toEqual([]);
  });

  test("leaves a lock that a Python program took lately, by the date of its text", async () => {
    const name = await newFreeLock();
    age(name, 50);
    expect((await resourcelock("remove", name, "--unused", "40s")).status).toBe(1);
    expect(objectsOf(name)).toHaveLength(3);
  });

  test("leaves what is held or waited for, however old it is, and tells by whom", async () => {
    const name = await newHeldLock();
    writeInfoThrough(name, "\0");
    const { stdout, status } = await masked("remove", name, "--unused", "40s");
    expect([stdout, status]).toEqual([`${name}: not removed; ${heldText()}\n`, 1]);
    const waiter = startCommand("get", name, "-q", "-t", "1h");
    await untilWaiting(name);
    age(name, 50);
    expect((await resourcelock("remove", name, "--unused", "40s")).status).toBe(1);
    await resourcelock("unget", name, "-q");
    expect((await waiter.end()).status).toBe(0);
  });

  test("counts no longer than the host is up", async () => {
    const name = await newFreeLock();
    writeInfoThrough(name, "\0");
    age(name, 400 * 86_400);
    const days = Math.ceil(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) / 86_400);
    const { status } = await resourcelock("remove", name, "--unused", `${days + 1}d`);
    expect([status, objectsOf(name).length]).toEqual([1, 3]);
  });

  test("is not for --stale or --force, nor without a time", async () => {
    for (const words of [
      ["--stale", "--unused", "1d"],
      ["--force", "--unused", "1d"],
      ["--unused", "x"],
    ]) {
      expect((await resourcelock("remove", "x", ...words)).status).toBe(64);
    }
  });
});

const canIsolate = await haveMountNamespaces();

describe.skipIf(!canIsolate)("remove --unused without a name", () => {
  test("removes this user's unused locks, and nothing else", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m,mode=1777");
    const nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    await host.prepare(`
      for name in old held stale; do ${binary} run $name -- true; printf '\\0' 1<>/dev/shm/$name; done
      ${binary} get held -q; printf '\\0' 1<>/dev/shm/held
      sh -c '${binary} get stale -q --owner-pid $$; :'
      ${binary} run young -- true
      touch -d '50 seconds ago' /dev/shm/*old* /dev/shm/*held* /dev/shm/*stale*
      echo data >/dev/shm/data; touch -d '50 seconds ago' /dev/shm/data
    `);
    expect(await host.resourcelock("remove", "--unused", "40s", "--dry-run")).toEqual(
      printed("old: would be removed\n"),
    );
    if (process.getuid?.() === 0 && haveTools("setpriv")) {
      const others = await host.run(...nobody.split(" "), binary, "remove", "--unused", "40s");
      expect(others).toEqual({ ...printed(""), stderr: "resourcelock: no unused locks\n" });
    }
    expect(await host.resourcelock("remove", "--unused", "40s")).toEqual(printed("old: removed\n"));
    const kept = ["held", "stale", "young"].flatMap((name) => [
      name,
      `${name}.ledger`,
      `sem.${name}`,
    ]);
    expect(Object.keys(host.files).toSorted()).toEqual([...kept, "data"].toSorted());
    expect((await host.resourcelock("remove", "--unused", "40s")).stderr).toBe(
      "resourcelock: no unused locks\n",
    );
  });
});

describe.skipIf(!canIsolate)("remove --stale", () => {
  test("removes all that was left, and nothing else", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m");
    await host.prepare(`
      ${binary} get held -q
      ${binary} get free -q -a 0
      sh -c '${binary} get stale -q --owner-pid $$; :'
      ${binary} get left -q -a 0
      rm /dev/shm/sem.left
      echo data >/dev/shm/data
      echo data >/dev/shm/data.ledger
    `);
    const { status, stdout, stderr } = await host.resourcelock("remove", "--stale");
    expect([status, stdout.split("\n").toSorted(), stderr]).toEqual([
      0,
      ["", "left: removed", "stale: removed"],
      "",
    ]);
    const files = Object.keys(host.files);
    const kept = ["held", "free"].flatMap((name) => [name, `${name}.ledger`, `sem.${name}`]);
    expect(files.toSorted()).toEqual([...kept, "data", "data.ledger"].toSorted());
    expect(await host.resourcelock("remove", "--stale")).toEqual({
      status: 0,
      stdout: "",
      stderr: "resourcelock: no stale locks\n",
    });
  });

  test.skipIf(process.getuid?.() !== 0 || !haveTools("setpriv"))(
    "goes on where one is another user's, and ends with status 77",
    async () => {
      await using host = await PrivateSharedMemory.mount("size=1m,mode=1777");
      const nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
      await host.prepare(`
        sh -c '${binary} get a -q --mode 0666 --owner-pid $$; :'
        ${nobody} sh -c '${binary} get b -q --owner-pid $$; :'
      `);
      const outcome = await host.run(...nobody.split(" "), binary, "remove", "--stale");
      expect({ ...outcome, stderr: maskTimes(outcome.stderr) }).toEqual({
        status: 77,
        stdout: "b: removed\n",
        stderr:
          'resourcelock: Cannot remove lock "a": /dev/shm/sem.a belongs to user root (0), and only its owner can delete it\n',
      });
      expect(Object.keys(host.files).toSorted()).toEqual(["a", "a.ledger", "sem.a"]);
    },
  );
});
