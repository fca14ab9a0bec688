/** The processes that the benchmark starts, and what the kernel says about them. */
import { readdirSync, readFileSync } from "node:fs";

type Child = Bun.Subprocess<"pipe", "pipe", "ignore">;

const live = new Set<Child>();

/** No answer takes longer than this, and no end. */
const longestWaitSeconds = 60;

/** A process that goes on while the benchmark does other things; it is the first of its process group. */
export class Started {
  readonly #words: readonly string[];
  readonly #child: Child;
  readonly #output: AsyncIterator<Uint8Array, unknown>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(words: readonly string[], environment: Record<string, string> = {}) {
    this.#words = words;
    this.#child = Bun.spawn([...words], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      env: { ...process.env, ...environment },
      detached: true,
    });
    this.#output = this.#child.stdout[Symbol.asyncIterator]();
    live.add(this.#child);
    void this.#child.exited.then(() => live.delete(this.#child));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Writes a line to its standard input. */
  async say(line: string): Promise<void> {
    await this.#child.stdin.write(`${line}\n`);
    await this.#child.stdin.flush();
  }

  /** Waits for the next line of its standard output. @throws where it ends without one, or takes a minute */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end !== -1) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const next = await this.#inTime(this.#output.next());
      if (next.done === true) throw new Error(`${this.#words.join(" ")} ended without an answer`);
      this.#text += this.#decoder.decode(next.value, { stream: true });
    }
  }

  /** Says a line and waits for one. */
  async ask(line: string): Promise<string> {
    await this.say(line);
    return this.line();
  }

  /** Ends its standard input, so that it goes on to its end. */
  async letGo(): Promise<void> {
    await this.#child.stdin.end();
  }

  /** Waits for its end. @throws where that takes a minute */
  end(): Promise<number> {
    return this.#inTime(this.#child.exited);
  }

  /** Kills what takes too long, so that what waits for it ends. */
  async #inTime<T>(pending: Promise<T>): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(this.pid);
    }, longestWaitSeconds * 1000);
    const result = await pending;
    clearTimeout(timer);
    if (late) throw new Error(`${this.#words.join(" ")} took over ${longestWaitSeconds} seconds`);
    return result;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Kills this process alone, not what it has started. */
  killAlone(): void {
    this.#child.kill("SIGKILL");
  }

  /** Kills it and all that it has started, and waits for its end. */
  async kill(): Promise<void> {
    killGroup(this.pid);
    await this.#child.exited;
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

/** Kills all that is left. */
export function killAll(): void {
  for (const { pid } of live) killGroup(pid);
}

/** Runs a command to its end: milliseconds. */
export function millisecondsOf(
  words: readonly string[],
  environment: Record<string, string> = {},
): number {
  const start = Bun.nanoseconds();
  const { exitCode } = Bun.spawnSync([...words], {
    stdio: ["ignore", "ignore", "ignore"],
    env: { ...process.env, ...environment },
    timeout: 60_000,
  });
  const elapsed = (Bun.nanoseconds() - start) / 1e6;
  if (exitCode !== 0) throw new Error(`${words.join(" ")} ended with ${exitCode}`);
  return elapsed;
}

/** What a command prints on both streams, trimmed; undefined where it cannot be run. */
export function outputOf(words: readonly string[]): string | undefined {
  if (Bun.which(words[0] ?? "") === null) return undefined;
  const { stdout, stderr } = Bun.spawnSync([...words], { stdin: "ignore", timeout: 10_000 });
  return `${stdout.toString()}${stderr.toString()}`.trim();
}

/** What a process has used. */
export interface Usage {
  cpuMilliseconds: number;
  /** How often it gave up the processor because it had to wait: so often it was woken. */
  waits: number;
}

/** What each thread of a process has used up to now. */
export type Threads = ReadonlyMap<string, Usage>;

export function threadsOf(pid: number): Threads {
  const threads = new Map<string, Usage>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const of = `/proc/${pid}/task/${thread}`;
    try {
      const cpuMilliseconds = Number(readFileSync(`${of}/schedstat`, "utf8").split(" ")[0]) / 1e6;
      const waits = numberAfter("voluntary_ctxt_switches:", readFileSync(`${of}/status`, "utf8"));
      threads.set(thread, { cpuMilliseconds, waits });
    } catch {
      // It has ended meanwhile.
    }
  }
  return threads;
}

/** What a process has used since an earlier look; that of a thread that has ended since is not known. */
export function usedSince(before: Threads, pid: number): Usage {
  const used = { cpuMilliseconds: 0, waits: 0 };
  for (const [thread, { cpuMilliseconds, waits }] of threadsOf(pid)) {
    used.cpuMilliseconds += cpuMilliseconds - (before.get(thread)?.cpuMilliseconds ?? 0);
    used.waits += waits - (before.get(thread)?.waits ?? 0);
  }
  return used;
}

/** The memory of a process, in KiB. */
export interface Memory {
  resident: number;
  /** What several processes share counts by parts. */
  proportional: number;
  /** What was written by it, and what no other process has: the kernel cannot drop it. */
  private: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return {
    resident: numberAfter("Rss:", text),
    proportional: numberAfter("Pss:", text),
    private: numberAfter("Private_Dirty:", text),
  };
}

/** Minor page faults of a command and of all that it has started. */
export function faultsOf(
  words: readonly string[],
  environment: Record<string, string> = {},
): number {
  const before = faultsOfChildren();
  millisecondsOf(words, environment);
  return faultsOfChildren() - before;
}

/** proc_pid_stat(5): those of children that were waited for, theirs included. */
function faultsOfChildren(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[8]);
}

function numberAfter(label: string, text: string): number {
  return Number(new RegExp(`^${label}\\s+(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
}

const lookMilliseconds = 5;
const quietLooks = 4;
const longestSettleMilliseconds = 1500;

/**
 * Waits until a process has come to rest: it has used no processor for 20 ms. One that looks again and again
 * never does; it is left alone after 1.5 s. One that has ended is at rest, too.
 */
export async function untilAtRest(pid: number): Promise<void> {
  const deadline = performance.now() + longestSettleMilliseconds;
  let [before, quiet] = [-1, 0];
  while (quiet < quietLooks && performance.now() < deadline) {
    await Bun.sleep(lookMilliseconds);
    const used = cpuMillisecondsOrEnded(pid);
    if (used === undefined) return;
    quiet = used === before ? quiet + 1 : 0;
    before = used;
  }
}

function cpuMillisecondsOrEnded(pid: number): number | undefined {
  try {
    return usedSince(new Map(), pid).cpuMilliseconds;
  } catch {
    return undefined;
  }
}

/** Waits until a condition holds, by looking every millisecond; false where it does not come true in time. */
export async function until(condition: () => boolean, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await Bun.sleep(1);
  }
  return true;
}
