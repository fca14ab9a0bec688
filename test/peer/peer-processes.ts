/** The processes that share a lock in these tests: the binary, the Python peer, and who contends. */
import type { Subprocess } from "bun";
import { fileURLToPath } from "node:url";

const binary =
  process.env["RESOURCELOCK_BINARY"] ??
  fileURLToPath(new URL("../../dist/resourcelock", import.meta.url));

/** The words of a command line of the binary. */
export function resourcelock(...words: string[]): string[] {
  return [binary, ...words];
}

const python3 = Bun.which("python3") ?? "python3";
/** Without site-packages, so that no package can help; and UTF-8 whatever the locale. */
const pythonOptions = ["-I", "-S", "-X", "utf8"];

/** Why there can be no Python peer here; undefined where there can. */
export function whyNoPython(): string | undefined {
  if (Bun.which("python3") === null) return "python3 is not on PATH";
  const { exitCode } = Bun.spawnSync([python3, ...pythonOptions, "-c", "import ctypes, mmap"]);
  return exitCode === 0 ? undefined : "python3 has no ctypes or mmap";
}

/** The words of a command line of the Python peer. */
export function pythonPeer(...words: string[]): string[] {
  return [python3, ...pythonOptions, besideThis("peer.py"), ...words];
}

/** Who makes critical sections one after the other, and says "ready" before the first one. */
export interface Contention {
  lockName: string;
  sections: number;
  /** A file with a number, to which each section adds one. */
  counter: string;
  /** A file that is there while somebody is in the critical section. */
  witness: string;
}

export function pythonContender({ lockName, sections, counter, witness }: Contention): string[] {
  const options = ["--sections", String(sections), "--counter", counter, "--witness", witness];
  return pythonPeer(lockName, "contend", ...options);
}

export function libraryContender({ lockName, sections, counter, witness }: Contention): string[] {
  const words = [lockName, String(sections), counter, witness];
  return [process.execPath, besideThis("contend.ts"), ...words];
}

export function shellContender({ lockName, sections, counter, witness }: Contention): string[] {
  const words = [binary, lockName, String(sections), counter, witness];
  return ["sh", besideThis("contend.sh"), ...words];
}

function besideThis(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. */
export async function run(
  command: string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  return new Started(command, environment).end();
}

/** A command that goes on while the test does other things. */
export class Started {
  static readonly #live = new Set<Started>();

  readonly stdout: OutputReader;
  readonly stderr: OutputReader;
  readonly #process: Subprocess<"pipe", "pipe", "pipe">;

  constructor(command: string[], environment: Record<string, string> = {}) {
    this.#process = Bun.spawn(command, {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...environment },
      // A process group of its own, for killAll.
      detached: true,
    });
    this.stdout = new OutputReader(this.#process.stdout);
    this.stderr = new OutputReader(this.#process.stderr);
    Started.#live.add(this);
  }

  /** Kills what is still running, and what that has started. */
  static async killAll(): Promise<void> {
    await Promise.all([...Started.#live].map((started) => started.#kill()));
  }

  /** Ends the command's standard input and waits for the command's end. */
  async end(): Promise<Ended> {
    await this.#process.stdin.end();
    const [stdout, stderr] = await Promise.all([this.stdout.text(), this.stderr.text()]);
    await this.#process.exited;
    Started.#live.delete(this);
    return { status: this.#process.exitCode, stdout, stderr };
  }

  async #kill(): Promise<void> {
    Started.#live.delete(this);
    try {
      process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // The group has ended.
    }
    await this.#process.exited;
  }
}

/** An output of a command: awaited until something is said, or read to its end. */
class OutputReader {
  readonly #chunks: AsyncIterator<Uint8Array, unknown>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Waits for a whole line that has `part` in it. */
  async line(part: string): Promise<string> {
    for (;;) {
      const found = this.#text
        .split("\n")
        .slice(0, -1)
        .find((line) => line.includes(part));
      if (found !== undefined) return found;
      if (!(await this.#more())) {
        throw new Error(`The output ended without ${JSON.stringify(part)}: ${this.#text}`);
      }
    }
  }

  /** All of it, when it has ended. */
  async text(): Promise<string> {
    while (await this.#more());
    return this.#text;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#text += this.#decoder.decode(next.value, { stream: true });
    return true;
  }
}
