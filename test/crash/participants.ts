/** Participants of a lock as processes: of the test build, whose fault points obey, and of the library. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LockStatus } from "../../src/index.ts";
import { buildWhereStale, testBinary } from "./build.ts";
import { type Outcome, type Process, start } from "../support/binary.ts";

/** A generous end for whatever would hang: nothing here is measured. */
const watchdogSeconds = 60;
export const watchdogMilliseconds = watchdogSeconds * 1000;

buildWhereStale();

/** The environment in which a process of the test build dies, or gets another signal, at a fault point. */
export function faultAt(point: string, signal = 9): Record<string, string> {
  return { RESOURCELOCK_FAULT: `${point}:${signal}` };
}

const live = new Set<Process>();

/** Starts a process that does not outlive the test. */
export function launch(words: readonly string[], env: Record<string, string> = {}): Process {
  const child = start([...words], { env: { RESOURCELOCK: testBinary, ...env } });
  live.add(child);
  return child;
}

/** Starts the test build. */
export function resourcelock(words: readonly string[], env: Record<string, string> = {}): Process {
  return launch([testBinary, ...words], env);
}

/** Waits for a process's end and for what it has not said yet. */
export async function finish(child: Process): Promise<Outcome> {
  const [stdout, stderr] = await Promise.all([rest(child.stdout), rest(child.stderr)]);
  return { status: await child.exited, stdout, stderr };
}

async function rest(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  await readLinesUntil(stream, (read) => {
    text = read;
    return undefined;
  });
  return text;
}

/** Reads on until `find` finds something in what was read; undefined where the stream ends before. */
async function readLinesUntil<T>(
  stream: ReadableStream<Uint8Array>,
  find: (text: string) => T | undefined,
): Promise<T | undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
      const found = find(text);
      if (found !== undefined) return found;
    }
  } finally {
    reader.releaseLock();
  }
}

/** Runs the test build to its end. */
export function outcomeOf(...words: string[]): Promise<Outcome> {
  return finish(resourcelock(words));
}

/** Starts a bash script in which `resourcelock` is the test build. */
export function bash(script: string, env: Record<string, string> = {}): Process {
  return launch(["bash", "-c", `resourcelock() { "$RESOURCELOCK" "$@"; }\n${script}`], env);
}

/** Processes that a test knows of and that are not its children. */
const strangers = new Set<number>();

/** Ends all processes of a test. To be called after each. */
export async function endAll(): Promise<void> {
  for (const child of live) child.kill("SIGKILL");
  for (const stranger of strangers) if (isAlive(stranger)) process.kill(stranger, "SIGKILL");
  strangers.clear();
  await Promise.all([...live].map((child) => child.exited));
  live.clear();
}

/** Kills a process. */
export async function kill(child: Process): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}

/** Kills a process that is no child of this one, and waits until it has ended. */
export async function killStranger(processId: number): Promise<void> {
  process.kill(processId, "SIGKILL");
  await until(`end of process ${processId}`, () => !isAlive(processId));
}

/** A `run` and the process of its command, which goes on until it is killed. */
export interface RunningCommand {
  holder: Process;
  command: number;
}

/** What {@link runningCommand} runs. */
export const endlessCommand = ["sh", "-c", "echo $$; exec sleep 1000"];

/** Starts `run` and waits until its command runs. */
export async function runningCommand(
  lockName: string,
  ...options: string[]
): Promise<RunningCommand> {
  const holder = resourcelock(["run", ...options, lockName, "--", ...endlessCommand]);
  const command = Number(await nextLine(holder));
  strangers.add(command);
  return { holder, command };
}

/** What `state --json` says. */
export interface State extends LockStatus {
  exists: boolean;
  locked: boolean;
  value: number | null;
  info: string | null;
}

export async function stateOf(lockName: string): Promise<State> {
  const { status, stdout, stderr } = await outcomeOf("state", lockName, "--json");
  if (status !== 0) throw new Error(`state ended with ${status}: ${stderr}`);
  const state: State = JSON.parse(stdout);
  return { ...state, holders: state.holders ?? [], waiters: state.waiters ?? [] };
}

const lookMilliseconds = 20;

/** Looks until there is something to see. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
): Promise<T> {
  const deadline = Date.now() + watchdogMilliseconds;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`in ${watchdogSeconds} s there was no ${what}`);
    await Bun.sleep(lookMilliseconds);
  }
}

/** Waits until so many wait for a lock, and gives what `state --json` says then. */
export function waiting(lockName: string, waiters: number): Promise<State> {
  return until(`${waiters} waiters`, async () => {
    const state = await stateOf(lockName);
    return state.waiters.length === waiters && state;
  });
}

/** Waits until the lock is held as it says. */
export function held(lockName: string, attachment: string): Promise<State> {
  return until(`${attachment} holder`, async () => {
    const state = await stateOf(lockName);
    return state.holders.some((holder) => holder.attachment === attachment) && state;
  });
}

/** Whether a process lives; a zombie does not. */
export function isAlive(processId: number): boolean {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, "utf8");
    return !/^[ZX]/.test(text.slice(text.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Whether a process is stopped. */
function isStopped(processId: number): boolean {
  const text = readFileSync(`/proc/${processId}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).startsWith("T");
}

/** Stops a process, and waits until it is. */
export async function stop(child: Process): Promise<void> {
  child.kill("SIGSTOP");
  await until("stop", () => isStopped(child.pid));
}

/** What {@link libraryUser} asks for. */
export interface LibraryWish {
  /** Seconds; null, which is for ever, by default. */
  timeout?: number | null;
  lockInfo?: string;
  shared?: boolean;
  slots?: number;
  adopt?: boolean;
  /** So many grants, each with a lock object of its own. Default 1. */
  count?: number;
  /** A file to which it adds `line`, and then releases and ends. */
  log?: string;
  line?: string;
}

/**
 * A process that uses the library: it prints `granted TOKEN SLOT` or `not granted`; at the line `release` it
 * releases and prints `released true` or `false`; at the end of its input it ends, without a release.
 */
export function libraryUser(
  lockName: string,
  wish: LibraryWish = {},
  env: Record<string, string> = {},
): Process {
  const script = fileURLToPath(new URL("library-user.ts", import.meta.url));
  const words = ["--define", "TEST_BUILD=true", script, lockName, JSON.stringify(wish)];
  return launch([process.execPath, ...words], env);
}

/** Writes a line to a process. */
export async function tell(child: Process, line: string): Promise<void> {
  await child.stdin.write(`${line}\n`);
  await child.stdin.flush();
}

/** The next whole line that a process prints on stdout. */
export async function nextLine(child: Process): Promise<string> {
  const line = await readLinesUntil(child.stdout, (text) =>
    text.endsWith("\n") ? text.slice(0, -1) : undefined,
  );
  if (line === undefined) throw new Error("the process ended without another line");
  return line;
}

/** Waits for a line on stderr that has a text in it. */
export async function stderrLine(child: Process, part: RegExp): Promise<string> {
  const line = await readLinesUntil(child.stderr, (text) =>
    text
      .split("\n")
      .slice(0, -1)
      .find((candidate) => part.test(candidate)),
  );
  if (line === undefined) throw new Error(`the process ended without ${String(part)}`);
  return line;
}

/** A lock at rest: nobody holds it, nobody waits, and the semaphore is 1. */
export const atRest = {
  exists: true,
  locked: false,
  value: 1,
  holders: [],
  waiters: [],
} as const;

const python3 = Bun.which("python3") ?? "python3";
const peer = fileURLToPath(new URL("../peer/peer.py", import.meta.url));

/** Starts the Python peer. */
export function pythonPeer(...words: string[]): Process {
  return launch([python3, "-I", "-S", "-X", "utf8", peer, ...words]);
}

/** Writes bytes over those of a file, which keeps its length. */
export function writeOver(path: string, offset: number, bytes: Uint8Array): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}
