/** The one harness for processes: start, output so far, waiting for text, signals, the end; all gone after the test. */
import { onTestFinished } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { defaultDeadlineSeconds, eventually, pollMilliseconds } from "./eventually.ts";

/** The program under test; scripts/test names the one it built. */
export const binary =
  process.env["RESOURCELOCK_BINARY"] ?? `${import.meta.dir}/../../dist/resourcelock`;

/** How a process ended, and what it printed. */
export interface Outcome {
  /** The exit status, as a shell gives it: 128 + N for a process that signal N killed. */
  status: number;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  /** Added to the environment; a variable that is undefined is taken out of it. */
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  /** For a process that is started outside of a test, and that somebody else ends. */
  outlivesTest?: boolean;
  /** How long it is waited for, where a minute is not enough. */
  deadlineSeconds?: number;
}

/** In the environment of each process and of what it starts, so that what is left of them can be found. */
const mark = "TEST_PROCESS";
let count = 0;

/** Starts a process with pipes for its standard streams. It is killed at the end of the test, with what it started. */
export function start(words: readonly string[], options: StartOptions = {}): TestProcess {
  return new TestProcess(words, options);
}

/** Runs a command to its end. */
export async function runToEnd(
  words: readonly string[],
  options: StartOptions = {},
): Promise<Outcome> {
  const child = new TestProcess(words, { ...options, outlivesTest: true });
  try {
    return await child.end();
  } finally {
    await child.dispose();
  }
}

/** A process that has been started and may still run. */
export class TestProcess {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #words: readonly string[];
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #mark: string;

  readonly #deadlineSeconds: number;

  constructor(words: readonly string[], options: StartOptions) {
    const { env = {}, cwd, outlivesTest = false } = options;
    const { deadlineSeconds = defaultDeadlineSeconds } = options;
    this.#deadlineSeconds = deadlineSeconds;
    if (!outlivesTest) onTestFinished(() => this.dispose());
    count += 1;
    this.#mark = `${process.pid}-${count}`;
    this.#words = words;
    this.#process = Bun.spawn([...words], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, RESOURCELOCK: binary, TERM: "dumb", ...env, [mark]: this.#mark },
      ...(cwd === undefined ? {} : { cwd }),
    });
    const about = () => this.#about();
    const { stdout, stderr } = this.#process;
    this.stdout = new Output(stdout, { deadlineSeconds, about: () => `stdout of ${about()}` });
    this.stderr = new Output(stderr, { deadlineSeconds, about: () => `stderr of ${about()}` });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** The signal that it died of. */
  get endedBy(): NodeJS.Signals | number | null {
    return this.#process.signalCode;
  }

  /** Writes to its standard input. */
  async tell(text: string): Promise<void> {
    await this.#process.stdin.write(text);
    await this.#process.stdin.flush();
  }

  async endInput(): Promise<void> {
    await this.#process.stdin.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Kills it and waits for its end. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#process.exited;
  }

  /** Stops it (SIGSTOP) and waits until it is stopped. */
  async stop(): Promise<void> {
    this.signal("SIGSTOP");
    await untilStates([this.pid], /T/);
  }

  /** Lets it go on after a stop. */
  resume(): void {
    this.signal("SIGCONT");
  }

  /** Waits until it has ended, while a child of it may go on. Gives its status. */
  exited(): Promise<number> {
    return inTime(this.#process.exited, this.#deadlineSeconds, () => `end of ${this.#about()}`);
  }

  /** Waits until it has ended and its outputs are closed, by its children too. */
  async end(): Promise<Outcome> {
    const status = await this.exited();
    const [stdout, stderr] = await Promise.all([this.stdout.all(), this.stderr.all()]);
    return { status, stdout, stderr };
  }

  /** Kills it, if it has not ended, and what is left of what it started. */
  async dispose(): Promise<void> {
    // What runs under it may be written so that it ends with its input.
    await this.endInput();
    const endedByItself = this.#process.exitCode !== null;
    await this.kill();
    if (!endedByItself) await killMarked(`${mark}=${this.#mark}`);
  }

  #about(): string {
    const said = `stdout ${JSON.stringify(this.stdout.text)}, stderr ${JSON.stringify(this.stderr.text)}`;
    return `${this.#words.join(" ")} (${said})`;
  }
}

/** What a process prints on one of its outputs. */
class Output {
  /** All that has come so far. */
  text = "";
  readonly #about: () => string;
  readonly #deadlineSeconds: number;
  readonly #collected: Promise<string>;
  #ended = false;
  /** How much of the text {@link nextLine} has given. */
  #given = 0;
  #news = Promise.withResolvers<void>();

  constructor(
    stream: ReadableStream<Uint8Array>,
    { deadlineSeconds, about }: { deadlineSeconds: number; about: () => string },
  ) {
    this.#about = about;
    this.#deadlineSeconds = deadlineSeconds;
    this.#collected = this.#collect(stream);
  }

  /** Waits until it is closed; gives all of it. */
  all(): Promise<string> {
    return inTime(this.#collected, this.#deadlineSeconds, () => `end of ${this.#about()}`);
  }

  /** Waits until it has a text in it, and gives what is there then. */
  async until(part: string | RegExp): Promise<string> {
    const isThere = () =>
      typeof part === "string" ? this.text.includes(part) : part.test(this.text);
    await this.#untilNews(isThere, String(part));
    return this.text;
  }

  /** Waits for a whole line that has a text in it. */
  async line(part: string | RegExp): Promise<string> {
    const find = () =>
      this.text
        .split("\n")
        .slice(0, -1)
        .find((line) => (typeof part === "string" ? line.includes(part) : part.test(line)));
    await this.#untilNews(() => find() !== undefined, `line with ${String(part)}`);
    return find() ?? "";
  }

  /** Waits for the next whole line, beginning with the first one. */
  async nextLine(): Promise<string> {
    await this.#untilNews(() => this.text.includes("\n", this.#given), "next line");
    const end = this.text.indexOf("\n", this.#given);
    const line = this.text.slice(this.#given, end);
    this.#given = end + 1;
    return line;
  }

  async #untilNews(isThere: () => boolean, what: string): Promise<void> {
    const news = async () => {
      while (!isThere()) {
        if (this.#ended) throw new Error(`No ${what} on ${this.#about()}`);
        await this.#news.promise;
      }
    };
    await inTime(news(), this.#deadlineSeconds, () => `${what} on ${this.#about()}`);
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<string> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#tellNews();
    }
    this.text += decoder.decode();
    this.#ended = true;
    this.#tellNews();
    return this.text;
  }

  #tellNews(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** Waits for what has to come. @param what comes, for the error when it does not */
async function inTime<T>(promise: Promise<T>, seconds: number, what: () => string): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`No ${what()} in ${seconds} s`));
    timer = setTimeout(fail, seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The letter of proc_pid_stat(5) for what a process does; undefined when there is no such process. */
export function processState(processId: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, "latin1");
    return text.charAt(text.lastIndexOf(")") + 2);
  } catch {
    return undefined;
  }
}

/** Whether a process is there and no zombie. */
export function isAlive(processId: number): boolean {
  return !/^[ZX]?$/.test(processState(processId) ?? "");
}

/** Waits until processes are stopped, dead ...: the letter of proc_pid_stat(5). */
export async function untilStates(processIds: readonly number[], letter: RegExp): Promise<void> {
  await eventually(
    () => `state ${String(letter)} of each process: ${processIds.map(processState).join()}`,
    () => processIds.every((processId) => letter.test(processState(processId) ?? "")),
  );
}

/** Kills a process that is no child of this one, and waits for its end. */
export async function killStranger(processId: number): Promise<void> {
  process.kill(processId, "SIGKILL");
  await eventually(`end of process ${processId}`, () => !isAlive(processId));
}

/** Kills all processes that have a variable in their environment. */
async function killMarked(variable: string): Promise<void> {
  for (let attempt = 0; attempt < maxKillAttempts; attempt++) {
    if (tryKillMarked(variable)) return;
    await Bun.sleep(pollMilliseconds);
  }
}

/** A process that is just taken over by another program has no environment for a moment; another one may never have. */
const maxKillAttempts = 20;

/** @returns whether the environment of every process was seen */
function tryKillMarked(variable: string): boolean {
  let sawAll = true;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || !isAlive(Number(entry))) continue;
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, "latin1");
      // Threads of the kernel have neither.
      if (environment === "" && hasProgram(entry)) sawAll = false;
      if (environment.split("\0").includes(variable)) process.kill(Number(entry), "SIGKILL");
    } catch {
      // It has ended, or is another user's.
    }
  }
  return sawAll;
}

function hasProgram(processId: string): boolean {
  return readlinkSync(`/proc/${processId}/exe`) !== "";
}
