/** Running the compiled binary as a user does: as a process, with what it prints and how it ends. */
import { readdirSync, rmSync } from "node:fs";
import {
  binary,
  type Outcome,
  runToEnd,
  start,
  type StartOptions,
  type TestProcess,
} from "./process.ts";

/** Runs the binary to its end. */
export function resourcelock(...words: string[]): Promise<Outcome> {
  return runToEnd([binary, ...words]);
}

/** Runs a bash script to its end; `resourcelock` in it is the binary. */
export function bash(script: string, options: StartOptions = {}): Promise<Outcome> {
  const define = `resourcelock() { "$RESOURCELOCK" "$@"; }`;
  return runToEnd(["bash", "-c", `${define}\n${script}`], options);
}

/** Starts the binary. */
export function startCommand(...words: string[]): TestProcess {
  return start([binary, ...words]);
}

/** Starts a bash script in which `$RESOURCELOCK` is the path of the binary. */
export function startScript(script: string, options: StartOptions = {}): TestProcess {
  return start(["bash", "-c", script], options);
}

/** Whether `scripts/test --all` runs: tests that go through many rounds then go through all of them. */
export const isWhole = process.env["RESOURCELOCK_LONG_TESTS"] === "1";

/** The cases of a table that are tested: with `--all` each of them, else some from all parts of it. */
export function casesOf<Case>(some: number, cases: readonly Case[]): readonly Case[] {
  if (isWhole || cases.length <= some) return cases;
  return cases.filter(
    (_, index) =>
      Math.floor((index * some) / cases.length) !== Math.floor(((index - 1) * some) / cases.length),
  );
}

let count = 0;
/** With a random part: a run that was killed leaves its locks, and process numbers come again. */
const prefix = `test-${process.pid}-${Math.random().toString(36).slice(2, 6)}-`;

/** A lock name that no other test uses; the lock's objects are deleted after the test. */
export function newLockName(suffix = ""): string {
  count += 1;
  return `${prefix}${count}${suffix}`;
}

/** Deletes the objects of the locks that {@link newLockName} has named; done after each test. */
export function removeLocks(): void {
  for (const file of readdirSync("/dev/shm")) {
    if (file.includes(prefix)) rmSync(`/dev/shm/${file}`, { force: true, recursive: true });
  }
}

/**
 * Whether tools that only tests need are here. In CI a missing one is a failure, elsewhere it skips the
 * tests, with one line that names it.
 */
export function haveTools(...tools: string[]): boolean {
  const missing = tools.filter((tool) => Bun.which(tool) === null);
  return missing.length === 0 || doWithout(`${missing.join(", ")}: .ci/run installs it`);
}

/** Skips tests, with one line that says what they need; in CI that is a failure. @returns false */
export function doWithout(need: string): false {
  if (process.env["RESOURCELOCK_REQUIRE_TOOLS"] !== undefined) throw new Error(`CI needs ${need}`);
  console.warn(`skipping tests that need ${need}`);
  return false;
}

/** An info text as the binary prints it, with the date and time masked. */
export function maskDates(text: string): string {
  return text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}/g, "DATE");
}
