/** Those who wait for a lock, what they wait for, and the files of it that a test spoils. */
import { expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { killStranger, type TestProcess } from "../support/process.ts";
import {
  bash,
  faultAt,
  libraryUser,
  outcomeOf,
  pythonPeer,
  resourcelock,
  runningCommand,
  waiting,
} from "./participants.ts";

export const semaphoreOf = (lockName: string) => `/dev/shm/sem.${lockName}`;
export const infoOf = (lockName: string) => `/dev/shm/${lockName}`;
export const ledgerOf = (lockName: string) => `/dev/shm/${lockName}.ledger`;

/** A command that fails where it is not alone. */
function sectionOf(lockName: string): string[] {
  const witness = `/dev/shm/${lockName}.witness`;
  return ["sh", "-c", `mkdir ${witness} && sleep 0.1 && rmdir ${witness}`];
}

/** Two that wait, one behind the other; the status of each tells whether it was alone. */
export async function twoWaiters(lockName: string): Promise<[TestProcess, TestProcess]> {
  const section = sectionOf(lockName);
  const first = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 1);
  const second = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 2);
  return [first, second];
}

/** Three that wait, of different kinds; the status of each tells whether it was alone. */
export async function threeWaiters(lockName: string): Promise<TestProcess[]> {
  const section = sectionOf(lockName);
  const run = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 1);
  const user = libraryUser(lockName, { log: "/dev/null" });
  await waiting(lockName, 2);
  const last = resourcelock(["run", lockName, "--", ...section]);
  await waiting(lockName, 3);
  return [run, user, last];
}

export async function expectAllServed(waiters: readonly TestProcess[]): Promise<void> {
  for (const waiter of waiters) {
    const { status, stderr } = await waiter.end();
    expect([status, stderr.includes("mkdir")]).toEqual([0, false]);
  }
}

/** Whether something is still not over a moment later. */
export function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), Bun.sleep(50).then(() => true)]);
}

/** A directory with a file to which everybody who is served adds a line. */
export class OrderLog implements Disposable {
  readonly #directory = mkdtempSync(`${tmpdir()}/resourcelock-order-`);
  readonly path = `${this.#directory}/order`;

  get lines(): string[] {
    return readFileSync(this.path, "utf8").trim().split("\n");
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** Those who can wait; each writes its number into the log when it is served, and lets go of the lock. */
const waiterKinds: ((lockName: string, log: OrderLog, number: number) => TestProcess)[] = [
  (lockName, { path }, number) =>
    resourcelock(["run", lockName, "--", "sh", "-c", `echo ${number} >>${path}`]),
  (lockName, { path }, number) =>
    bash(
      `resourcelock get ${lockName} -t -1 --owner-pid $$ && echo ${number} >>${path} && resourcelock unget ${lockName}`,
    ),
  (lockName, { path }, number) => libraryUser(lockName, { log: path, line: String(number) }),
];

export function startWaiter(lockName: string, log: OrderLog, number: number): TestProcess {
  const kind = waiterKinds[number % waiterKinds.length];
  if (kind === undefined) throw new RangeError();
  return kind(lockName, log, number);
}

/** Starts one waiter after the other, so that they queue in this order. */
export async function queueUp(
  lockName: string,
  numbers: readonly number[],
  startOne: (number: number) => TestProcess,
): Promise<TestProcess[]> {
  const started: TestProcess[] = [];
  for (const number of numbers) {
    started.push(startOne(number));
    await waiting(lockName, started.length);
  }
  return started;
}

/** Has a `run` wait behind a hold, stops it, and lets go of the hold. */
export async function stoppedBehind(lockName: string, hold: Hold): Promise<TestProcess> {
  const release = await hold(lockName);
  const waiter = resourcelock(["run", lockName, "--", "true"]);
  await waiting(lockName, 1);
  await waiter.stop();
  await release();
  return waiter;
}

/** Takes a lock. @returns what makes it free, or free to be adopted */
type Hold = (lockName: string) => Promise<() => Promise<unknown>>;

export const heldByRun: Hold = async (name) => {
  const { holder, command } = await runningCommand(name);
  return async () => {
    await killStranger(command);
    await holder.exited();
  };
};

export const heldByPeer: Hold = async (name) => {
  const peer = pythonPeer(name, "hold");
  await peer.stdout.nextLine();
  return async () => {
    await peer.endInput();
    await peer.exited();
  };
};

/** How a lock comes to be free, or free to be adopted, under those who wait. */
export const holds: Record<string, Hold> = {
  "its holder releases": heldByRun,
  "its holder is killed": async (name) => {
    const holder = resourcelock(["get", name, "-a", "1000"]);
    await holder.stdout.nextLine();
    return () => holder.kill();
  },
  "its holder dies while it releases": async (name) => {
    const holder = libraryUser(name, {}, faultAt("freed"));
    await holder.stdout.nextLine();
    return async () => {
      await holder.tell("release\n");
      await holder.exited();
    };
  },
  "it is released by unget": async (name) => {
    await outcomeOf("get", name);
    return () => outcomeOf("unget", name);
  },
  "the process ends that it is bound to": async (name) => {
    const owner = bash("read line");
    await outcomeOf("get", name, "--owner-pid", String(owner.pid));
    return () => owner.kill();
  },
  "a peer releases": heldByPeer,
};
