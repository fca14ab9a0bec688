/** Runs the benchmark in its smallest form. */
import { afterAll } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { start } from "../support/process.ts";

/** A directory for the trials of one file of tests, deleted after them. */
export function newDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/resourcelock-test-bench-`);
  afterAll(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** The page that it writes into a directory, and what it leaves behind. */
export async function benchmark(
  directory: string,
  words: string[],
  env: Record<string, string> = {},
) {
  const results = `${directory}/RESULTS.md`;
  rmSync(results, { force: true });
  const before = new Set(readdirSync("/dev/shm"));
  const child = start([...words, "--trial", "--results", results], {
    // A peer that is missing is named by the benchmark, and no failure, in CI too.
    env: { TMPDIR: directory, RESOURCELOCK_REQUIRE_TOOLS: undefined, ...env },
    deadlineSeconds: 280,
  });
  await child.endInput();
  const outcome = await child.end();
  const made = readdirSync("/dev/shm").filter((file) => !before.has(file));
  const left = [...made, ...readdirSync(directory)].filter(
    (file) => file.includes(`bench-${child.pid}-`) || file.startsWith("resourcelock-bench-"),
  );
  return { ...outcome, left, page: readFileSync(results, "utf8") };
}
