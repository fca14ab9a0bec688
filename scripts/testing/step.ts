/** One step of the gate: a process whose output goes on to ours, with a line when it is silent for long. */

/** Nobody looks at a silent terminal for longer without a doubt. */
const silenceSeconds = 15;

const elapsedSeconds = () => Math.round(performance.now() / 1000);

/** Prints what comes next, and how long the gate has run. */
export function printHeading(title: string): void {
  process.stdout.write(`\n=== ${title} (${elapsedSeconds()} s)\n`);
}

/** Runs a step to its end, and gives its status and the end of what it printed. */
export async function runStep(title: string, words: readonly string[]): Promise<StepResult> {
  printHeading(title);
  // Bun gives a child the environment that it got itself, unless told otherwise.
  const pipes = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
  const child = Bun.spawn([...words], { ...pipes, env: process.env });
  const relay = new Relay(title);
  await Promise.all([relay.pass(child.stdout), relay.pass(child.stderr)]);
  relay.stop();
  return { status: await child.exited, end: relay.end };
}

export interface StepResult {
  status: number;
  /** The last part of what it printed. */
  end: string;
}

/** Passes output on, and speaks up when there is none. */
class Relay {
  end = "";
  readonly #title: string;
  #timer: Timer;

  constructor(title: string) {
    this.#title = title;
    this.#timer = this.#start();
  }

  async pass(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      process.stdout.write(chunk);
      this.end = (this.end + decoder.decode(chunk, { stream: true })).slice(-4096);
      this.stop();
      this.#timer = this.#start();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #start(): Timer {
    const speak = () => process.stdout.write(`... ${this.#title} (${elapsedSeconds()} s)\n`);
    return setInterval(speak, silenceSeconds * 1000);
  }
}
