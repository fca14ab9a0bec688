/** Runs the benchmark in its smallest form. */
import { afterAll } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

export const directory = mkdtempSync(`${tmpdir()}/resourcelock-test-bench-`);
afterAll(() => rmSync(directory, { recursive: true }));

/** The page that it writes, and what it leaves behind. */
export async function benchmark(words: string[], env: Record<string, string> = {}) {
  const results = `${directory}/RESULTS.md`;
  rmSync(results, { force: true });
  const child = Bun.spawn([...words, "--trial", "--results", results], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, TMPDIR: directory, ...env },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const left = [...readdirSync("/dev/shm"), ...readdirSync(directory)].filter(
    (file) => file.includes(`bench-${child.pid}-`) || file.startsWith("resourcelock-bench-"),
  );
  return { status: await child.exited, stdout, stderr, left, page: readFileSync(results, "utf8") };
}
