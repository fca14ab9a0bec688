/** The binary while it runs, for who wants to see what it says before it ends. */
import { binary, type Outcome, type Process, start } from "../support/binary.ts";

export class Running {
  readonly #process: Process;
  readonly #stdout: Output;
  readonly #stderr: Output;

  constructor(...words: string[]) {
    this.#process = start([binary, ...words]);
    this.#stdout = new Output(this.#process.stdout);
    this.#stderr = new Output(this.#process.stderr);
  }

  /** Waits for a whole line on one of its outputs. */
  line(output: "stdout" | "stderr"): Promise<void> {
    return (output === "stdout" ? this.#stdout : this.#stderr).line();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits for its end; the outcome has all that it ever said. */
  async end(): Promise<Outcome> {
    const [stdout, stderr] = await Promise.all([this.#stdout.all(), this.#stderr.all()]);
    return { status: await this.#process.exited, stdout, stderr };
  }
}

class Output {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(stream: Process["stdout"]) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async line(): Promise<void> {
    while (!this.#text.includes("\n") && (await this.#more()));
  }

  async all(): Promise<string> {
    while (await this.#more());
    return this.#text;
  }

  async #more(): Promise<boolean> {
    const { done = false, value } = await this.#chunks.next();
    if (!done) this.#text += this.#decoder.decode(value, { stream: true });
    return !done;
  }
}
