/**
 * What every locker does: a process that has one lock, and uses it as it is told on its standard input, a
 * line a request. It runs under Node and Bun; semaphore.c and python.py do the same.
 *
 *     pairs N                  takes and releases N times: nanoseconds for all of them
 *     sections N HOLD PAUSE    N times takes it, holds it and pauses, in microseconds: when it was asked for,
 *                              granted and released (CLOCK_MONOTONIC, ns), a line each; then "done"
 *     contend N DIR            N times takes it and makes DIR/witness: how often that was there already
 *     get, unget               when that was done, and when that was begun
 */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** A lock of some kind. What is not asynchronous gives back nothing. */
export interface Lock {
  /** Waits for the lock. */
  get(): Promise<void> | void;
  unget(): Promise<void> | void;
}

/** Nanoseconds on CLOCK_MONOTONIC, which all processes share; Bun's own clocks start with its process. */
const now = await clock();

async function clock(): Promise<() => number> {
  if (process.versions["bun"] === undefined) return () => Number(process.hrtime.bigint());
  const { monotonicSeconds } = await import("../../../src/posix/clock.ts");
  return () => Math.round(monotonicSeconds() * 1e9);
}

const cell = new Int32Array(new SharedArrayBuffer(4));

function pass(microseconds: number): void {
  Atomics.wait(cell, 0, 0, microseconds / 1000);
}

async function get(lock: Lock): Promise<void> {
  const pending = lock.get();
  if (pending !== undefined) await pending;
}

async function unget(lock: Lock): Promise<void> {
  const pending = lock.unget();
  if (pending !== undefined) await pending;
}

async function pairs(lock: Lock, count: number): Promise<number> {
  const start = now();
  for (let pair = 0; pair < count; pair++) {
    // Without a turn of the event loop where none is needed.
    const getting = lock.get();
    if (getting !== undefined) await getting;
    const ungetting = lock.unget();
    if (ungetting !== undefined) await ungetting;
  }
  return now() - start;
}

async function sections(lock: Lock, count: number, hold: number, pause: number): Promise<string> {
  const lines: string[] = [];
  for (let section = 0; section < count; section++) {
    const asked = now();
    await get(lock);
    const granted = now();
    pass(hold);
    const released = now();
    await unget(lock);
    lines.push(`${asked} ${granted} ${released}\n`);
    pass(pause);
  }
  return `${lines.join("")}done`;
}

async function contend(lock: Lock, count: number, directory: string): Promise<number> {
  const witness = `${directory}/witness`;
  let overlaps = 0;
  for (let section = 0; section < count; section++) {
    await get(lock);
    try {
      closeSync(openSync(witness, "wx"));
      unlinkSync(witness);
    } catch {
      overlaps += 1;
    }
    await unget(lock);
  }
  return overlaps;
}

async function answer(lock: Lock, request: string): Promise<string> {
  const [verb = "", ...words] = request.split(" ");
  const [count = 0, hold = 0, pause = 0] = words.map(Number);
  switch (verb) {
    case "pairs":
      return String(await pairs(lock, count));
    case "sections":
      return sections(lock, count, hold, pause);
    case "contend":
      return String(await contend(lock, count, words[1] ?? ""));
    case "get":
      await get(lock);
      return String(now());
    case "unget": {
      const begun = now();
      await unget(lock);
      return String(begun);
    }
    default:
      throw new Error(`Cannot do ${JSON.stringify(request)}`);
  }
}

/** Serves requests until standard input ends. */
export async function serve(lock: Lock): Promise<void> {
  for await (const request of createInterface({ input: process.stdin })) {
    writeSync(1, `${await answer(lock, request)}\n`);
  }
}
