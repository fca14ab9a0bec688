/** A lock whose semaphore was deleted while somebody holds it: the ledger still keeps everybody else out. */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import {
  detachedHolder,
  heldStateText,
  jsonLines,
  masked,
  newHeldLock,
  objectsOf,
  printed,
  semaphoreValue,
} from "./scenario.ts";
import { eventually } from "../../support/eventually.ts";

const lostText = "  its semaphore was deleted while in use; the next run or get recreates it\n";

function loseSemaphore(name: string): void {
  rmSync(`/dev/shm/sem.${name}`);
}

async function newLostLock(): Promise<string> {
  const name = await newHeldLock();
  loseSemaphore(name);
  return name;
}

/** What --json tells of such a lock. */
function lostState(name: string): object {
  const lock = { name, exists: false, locked: true, value: null, info: "DATE - holder" };
  return { ...lock, holders: [detachedHolder("holder")], waiters: [], grants: 1, recoveries: 0 };
}

test("state tells that it is locked, and by whom, and makes nothing", async () => {
  const name = await newLostLock();
  const before = objectsOf(name);
  expect(await masked("state", name)).toEqual(printed(heldStateText(name) + lostText));
  expect(await masked("state", name, "--check")).toEqual(printed("", 1));
  expect(await jsonLines("state", name)).toEqual([lostState(name)]);
  expect(objectsOf(name)).toEqual(before);
});

test("state of one that a run holds tells so, too, until that has ended", async () => {
  const name = newLockName();
  const run = startCommand("run", name, "-m", "work", "--", "sh", "-c", "echo runs; read line; :");
  await run.stdout.until("\n");
  loseSemaphore(name);
  const { stdout } = await masked("state", name);
  expect(stdout).toBe(`${name}: held by work (pid ${run.pid}) for TIME\n${lostText}`);
  await run.endInput();
  expect(await run.end()).toMatchObject({ status: 0, stderr: "" });
  expect(await masked("state", name, "--check")).toEqual(printed(""));
});

test("wait waits for it", async () => {
  const name = await newLostLock();
  expect((await resourcelock("wait", name, "-t", "0", "-q")).status).toBe(75);
  expect(await jsonLines("wait", name, "-t", "0")).toEqual([lostState(name)]);
  const waiting = startCommand("wait", name);
  await waiting.stderr.until(`waiting for lock "${name}", held by holder`);
  await resourcelock("unget", name, "-q");
  expect(await waiting.end()).toMatchObject({ status: 0, stdout: "" });
});

test("trace goes on telling that it is locked", async () => {
  const name = await newHeldLock();
  const trace = startCommand("trace", name, "--json", "-u", "10ms");
  await trace.stdout.until('"value":0');
  loseSemaphore(name);
  await trace.stdout.until('"exists":false,"locked":true');
  trace.signal("SIGINT");
  const { stdout } = await trace.end();
  expect(stdout).not.toContain('"locked":false');
});

test("unget releases it, and it is whole again", async () => {
  const name = await newLostLock();
  expect(await masked("unget", name)).toEqual(printed(`${name}: released\n`));
  expect(semaphoreValue(name)).toBe(1);
  expect(await masked("unget", name)).toMatchObject({ status: 1 });
});

test("unget says which living holder it hits", async () => {
  const name = newLockName();
  const run = startCommand("run", name, "-m", "work", "--", "sh", "-c", "echo runs; read line; :");
  await run.stdout.until("\n");
  loseSemaphore(name);
  expect(await masked("unget", name)).toEqual({
    status: 0,
    stdout: `${name}: released\n`,
    stderr: `resourcelock: warning: pid ${run.pid} (work) is still running, without lock "${name}"\n`,
  });
  await run.endInput();
  expect((await run.end()).stderr).toMatch(
    /was released by force by pid \d+ while the command ran/,
  );
  expect(semaphoreValue(name)).toBe(1);
});

test("list has it among the locks that are locked, and not among what is left of others", async () => {
  const name = await newLostLock();
  const lineOf = async (...options: string[]) => {
    const { stdout } = await resourcelock("list", ...options);
    return stdout.split("\n").find((line) => line.includes(name)) ?? "";
  };
  expect(await lineOf("--held")).toMatch(/ {2}held {2,}holder \(no process\) /);
  expect(JSON.parse(await lineOf("--json"))).toMatchObject({
    state: "held",
    exists: false,
    locked: true,
    value: null,
    holders: [detachedHolder("holder")],
  });
  expect(await lineOf("--prometheus")).toBe(`resourcelock_locked{name="${name}"} 1`);
  expect(await lineOf("--stale")).toBe("");
  expect(await masked("remove", "--stale", name)).toMatchObject({ status: 1 });
});

test("the next run makes it whole, and waits its turn", async () => {
  const name = await newLostLock();
  const run = startCommand("run", name, "-q", "--", "echo", "done");
  await eventually(
    () => `a new semaphore of <${name}>`,
    () => objectsOf(name).includes(`sem.${name}`),
  );
  expect(semaphoreValue(name)).toBe(0);
  await resourcelock("unget", name, "-q");
  expect(await run.end()).toMatchObject(printed("done\n"));
});
