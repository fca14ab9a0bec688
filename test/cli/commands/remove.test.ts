/** `remove`: what it deletes, what it leaves, and what becomes of those who use the lock meanwhile. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
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

const missing = (name: string) => `${name}: no such lock on this host\n`;

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
    for (const words of [["remove"], ["remove", "x", "--stale", "--force"]]) {
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
      `${name}: not removed; held by PID, which died; resourcelock remove --stale ${name} does\n`,
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

const canIsolate = await haveMountNamespaces();

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
