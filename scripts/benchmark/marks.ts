/** What `mark` (lockers/mark.c) wrote: when the work under a lock began and ended, in the order of its beginnings. */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import type { Runner } from "./peers.ts";
import { Started, until } from "./processes.ts";

export interface Mark {
  label: string;
  /** CLOCK_MONOTONIC, nanoseconds. */
  begun: number;
  ended: number;
}

export function readMarks(file: string): Mark[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines
    .map((line) => line.split(" "))
    .map(([label = "", begun, ended]) => ({ label, begun: Number(begun), ended: Number(ended) }))
    .toSorted((one, other) => one.begun - other.begun);
}

/** Waits until so many marks have been written; false where that takes too long. */
export function untilMarks(file: string, count: number, seconds: number): Promise<boolean> {
  let [size, lines] = [0, 0];
  return until(() => {
    const now = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (now !== size) [size, lines] = [now, readMarks(file).length];
    return lines >= count;
  }, seconds);
}

/** From the end of each one's work to the beginning of the next one's: microseconds. */
export function gaps(marks: readonly Mark[]): number[] {
  return marks.slice(1).map(({ begun }, index) => (begun - (marks[index]?.ended ?? 0)) / 1000);
}

/** How many began before the one ahead of them had ended. */
export function overlaps(marks: readonly Mark[]): number {
  return gaps(marks).filter((gap) => gap < 0).length;
}

/** A command that holds a lock by `mark FILE LABEL hold` until it is let go. */
export class MarkHolder {
  readonly process: Started;
  readonly #fifo: string;

  private constructor(process: Started, fifo: string) {
    this.process = process;
    this.#fifo = fifo;
  }

  /** Starts one, and waits until it holds. */
  static async start(
    { words, environment }: Runner,
    lockName: string,
    { mark, file }: { mark: string; file: string },
  ): Promise<MarkHolder> {
    rmSync(`${file}.hold`, { force: true });
    const process = new Started(words(lockName, [mark, file, "0", "hold"]), environment);
    // etcdctl says something first.
    while ((await process.line()) !== "held");
    return new MarkHolder(process, `${file}.hold`);
  }

  /** Lets the command go on to its end. */
  async letGo(): Promise<void> {
    const isOpened = () => {
      try {
        closeSync(openSync(this.#fifo, constants.O_WRONLY | constants.O_NONBLOCK));
        return true;
      } catch {
        // It has said that it holds, but does not read yet.
        return false;
      }
    };
    if (!(await until(isOpened, 10))) throw new Error("The holder of a lock cannot be let go");
  }
}
