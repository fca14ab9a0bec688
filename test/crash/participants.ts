/** Participants of a lock as processes: of the test build, whose fault points obey, and of the library. */
import { closeSync, openSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LockStatus } from "../../src/index.ts";
import { type Outcome, start, type TestProcess } from "../support/process.ts";
import { buildWhereStale, testBinary } from "./build.ts";
import { eventually } from "../support/eventually.ts";

buildWhereStale();

/** The environment in which a process of the test build dies, or gets another signal, at a fault point. */
export function faultAt(point: string, signal = 9): Record<string, string> {
  return { RESOURCELOCK_FAULT: `${point}:${signal}` };
}

/** Starts a process in which `$RESOURCELOCK` is the test build. */
export function launch(words: readonly string[], env: Record<string, string> = {}): TestProcess {
  return start(words, { env: { RESOURCELOCK: testBinary, ...env } });
}

/** Starts the test build. */
export function resourcelock(
  words: readonly string[],
  env: Record<string, string> = {},
): TestProcess {
  return launch([testBinary, ...words], env);
}

/** Runs the test build to its end. */
export function outcomeOf(...words: string[]): Promise<Outcome> {
  return resourcelock(words).end();
}

/** Starts a bash script in which `resourcelock` is the test build. */
export function bash(script: string, env: Record<string, string> = {}): TestProcess {
  return launch(["bash", "-c", `resourcelock() { "$RESOURCELOCK" "$@"; }\n${script}`], env);
}

/** A `run` and the process of its command, which goes on until it is killed. */
export interface RunningCommand {
  holder: TestProcess;
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
  const command = Number(await holder.stdout.nextLine());
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

/** Waits until so many wait for a lock, and gives what `state --json` says then. */
export function waiting(lockName: string, waiters: number): Promise<State> {
  return eventually(`${waiters} waiters`, async () => {
    const state = await stateOf(lockName);
    return state.waiters.length === waiters && state;
  });
}

/** Waits until the lock is held as it says. */
export function held(lockName: string, attachment: string): Promise<State> {
  return eventually(`${attachment} holder`, async () => {
    const state = await stateOf(lockName);
    return state.holders.some((holder) => holder.attachment === attachment) && state;
  });
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
): TestProcess {
  const script = fileURLToPath(new URL("library-user.ts", import.meta.url));
  const words = ["--define", "TEST_BUILD=true", script, lockName, JSON.stringify(wish)];
  return launch([process.execPath, ...words], env);
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

/** The words that start the Python peer. */
export function pythonPeerWords(...words: string[]): string[] {
  return [python3, "-I", "-S", "-X", "utf8", peer, ...words];
}

/** Starts the Python peer. */
export function pythonPeer(...words: string[]): TestProcess {
  return launch(pythonPeerWords(...words));
}

/** Writes bytes over those of a file, which keeps its length. */
export function writeOver(path: string, offset: number, bytes: Uint8Array): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}
