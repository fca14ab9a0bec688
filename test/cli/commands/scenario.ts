/** What the tests of the command line set up and wait for; it is all gone when the test has ended. */
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { bash, maskDates, newLockName, resourcelock } from "../../support/binary.ts";
import { type Outcome } from "../../support/process.ts";
import { eventually } from "../../support/eventually.ts";

/** What a process comes to that says nothing on stderr. */
export function printed(stdout: string, status = 0): Outcome {
  return { status, stdout, stderr: "" };
}

/** Runs the binary to its end; the dates and durations in what it prints are masked. */
export async function masked(...words: string[]): Promise<Outcome> {
  const { status, stdout, stderr } = await resourcelock(...words);
  return { status, stdout: maskTimes(stdout), stderr: maskTimes(stderr) };
}

/** A text as the binary prints it, with the dates masked, and how long somebody holds, waits or has waited. */
export function maskTimes(text: string): string {
  return maskDates(text)
    .replaceAll(/ for (?:\d+m)?\d+s(?=[,;\n])/g, " for TIME")
    .replaceAll(/ gave up after [\d.ms]+(?=[;\n])/g, " gave up after TIME");
}

/** What is said of a lock that a `get` has taken and left, with its time masked. */
export const heldText = (message = "holder") => `held by ${message} (no process) for TIME`;

/** What `state` prints of such a lock. */
export const heldStateText = (name: string, message = "holder") =>
  `${name}: ${heldText(message)}; release it with: resourcelock unget ${name}\n`;

/** The line on stderr of one that waits for such a lock. */
export const waitText = (name: string, message = "holder", place = "next") =>
  `resourcelock: ${place} for lock "${name}", ${heldText(message)}\n`;

/** Runs the binary to its end, and reads what it prints as a JSON object a line. */
export async function jsonLines(...words: string[]): Promise<unknown[]> {
  const { stdout } = await resourcelock(...words, "--json");
  return parseLines(stdout);
}

/** In JSON, what holds a lock that a `get` has taken and left taken; its token where that is known. */
export function detachedHolder(command: string, token: unknown = expect.any(Number)): object {
  return {
    attachment: "detached",
    pid: null,
    command,
    since: expect.any(Number),
    kind: "exclusive",
    token,
    slot: null,
    slots: null,
  };
}

/** Reads text as a JSON object a line, and the dates in it masked. */
export function parseLines(text: string): unknown[] {
  if (!text.endsWith("\n")) throw new Error(`the last line has no end: ${JSON.stringify(text)}`);
  return maskDates(text)
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** A lock that is held for as long as the test wants, by a `get` that has ended. */
export async function newHeldLock(message = "holder"): Promise<string> {
  const name = newLockName();
  const { status, stderr } = await resourcelock("get", name, "-m", message, "-q");
  if (status !== 0) throw new Error(`the lock was not granted: ${stderr}`);
  return name;
}

/** The files in /dev/shm that belong to a lock. */
export function objectsOf(lockName: string): string[] {
  const own = new Set([lockName, `${lockName}.ledger`, `sem.${lockName}`]);
  return readdirSync("/dev/shm").filter((file) => own.has(file));
}

/** A lock's semaphore as a 64-bit glibc keeps it: its value, then how many threads wait in the kernel. */
function semaphoreOf(lockName: string): Int32Array {
  return new Int32Array(new Uint8Array(readFileSync(`/dev/shm/sem.${lockName}`)).buffer);
}

/** The value of a lock's semaphore: 0 is locked, 1 is free. */
export function semaphoreValue(lockName: string): number | undefined {
  return semaphoreOf(lockName)[0];
}

/**
 * Waits until so many processes wait for a lock that no living process holds: all are in its queue, and the first
 * of them is blocked at the semaphore.
 */
export async function untilWaiting(lockName: string, count = 1): Promise<void> {
  await eventually(
    () => `${count} wait for <${lockName}>`,
    async () => {
      if (semaphoreOf(lockName)[1] !== 1) return false;
      const [state] = await jsonLines("state", lockName);
      return waitersOf(state).length === count;
    },
  );
}

function waitersOf(state: unknown): readonly unknown[] {
  const hasWaiters = typeof state === "object" && state !== null && "waiters" in state;
  if (hasWaiters && Array.isArray(state.waiters)) return state.waiters;
  throw new Error(`there are no waiters in ${JSON.stringify(state)}`);
}

/** Whether something is still not over a moment later. */
export function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), Bun.sleep(1).then(() => true)]);
}

/** What a command does by itself, and what it does under `run`, in a bash that has run `setup` before. */
export async function directAndWrapped(
  setup: string,
  command: string,
  runOptions: readonly string[] = [],
): Promise<{ direct: Outcome; wrapped: Outcome }> {
  // With a line behind it, as bash puts the last command of all in its own place.
  const script = (line: string) => `${setup}\n${line}\nexit $?`;
  const words = [newLockName(), ...runOptions];
  return {
    direct: await bash(script(command)),
    wrapped: await bash(script(`"$RESOURCELOCK" run ${words.join(" ")} -- ${command}`)),
  };
}
