/** Processes that go on while a test does other things; they are gone when it has ended. */
import { onTestFinished } from "bun:test";
import {
  binary,
  type Outcome,
  type Process,
  type SpawnOptions,
  start,
} from "../../support/binary.ts";

/** Starts the binary. */
export function startCommand(...words: string[]): Running {
  return new Running(start([binary, ...words]));
}

/** Starts a bash script in which `$RESOURCELOCK` is the binary. */
export function startScript(script: string, options: SpawnOptions = {}): Running {
  return new Running(start(["bash", "-c", script], options));
}

/** A process that has been started and may still run. */
export class Running {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #process: Process;

  constructor(child: Process) {
    this.#process = child;
    this.stdout = new Output(child.stdout);
    this.stderr = new Output(child.stderr);
    onTestFinished(async () => {
      // A command under `run` has inherited it, and is written so that it ends when it does.
      await this.endInput();
      child.kill("SIGKILL");
      await child.exited;
    });
  }

  get processId(): number {
    return this.#process.pid;
  }

  /** Writes to its standard input. */
  async tell(text: string): Promise<void> {
    await this.#process.stdin.write(text);
    await this.#process.stdin.flush();
  }

  async endInput(): Promise<void> {
    await this.#process.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits for its end; `signal` is what it died of. */
  async end(): Promise<Outcome & { signal: Process["signalCode"] }> {
    const status = await this.#process.exited;
    const [stdout, stderr] = await Promise.all([this.stdout.all, this.stderr.all]);
    return { status, stdout, stderr, signal: this.#process.signalCode };
  }
}

/** What a process prints, from the start. */
class Output {
  /** All of it, when it has ended. */
  readonly all: Promise<string>;
  /** What it is so far. */
  text = "";
  #ended = false;
  #news = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.all = this.#collect(stream);
  }

  /** Waits until it has a text in it. */
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) {
      if (this.#ended) throw new Error(`there is no ${part} in ${JSON.stringify(this.text)}`);
      await this.#news.promise;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<string> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#tellNews();
    }
    this.#ended = true;
    this.#tellNews();
    return this.text;
  }

  #tellNews(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
