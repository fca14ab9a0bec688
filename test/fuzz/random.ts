import { isWhole } from "../support/binary.ts";

/**
 * Random choices that can be made again: the seed is printed, and RESOURCELOCK_FUZZ_SEED gives it. Those of the
 * default gate and of CI are always the same: a change is judged by what it changed. `--all` makes new ones elsewhere.
 */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(what: string) {
    const given = process.env["RESOURCELOCK_FUZZ_SEED"];
    this.seed = given === undefined ? newSeed() : Number(given);
    this.#state = this.seed;
    console.log(`${what}: RESOURCELOCK_FUZZ_SEED=${this.seed}`);
  }

  /** A whole number from 0 to `limit` - 1: mulberry32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Whether it is one of so many times. */
  once(in_: number): boolean {
    return this.below(in_) === 0;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

function newSeed(): number {
  const isRepeated = !isWhole || process.env["CI"] === "true";
  return isRepeated ? 1 : crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** Runs jobs, so many at once. */
export async function runAll<T>(
  jobs: readonly T[],
  atOnce: number,
  run: (job: T) => Promise<void>,
): Promise<void> {
  const rest = jobs.values();
  const worker = async () => {
    for (const job of rest) await run(job);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
