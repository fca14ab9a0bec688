/** Running the compiled binary as a user does: as a process, with what it prints and how it ends. */
import { readdirSync, rmSync } from "node:fs";

/** The program under test; scripts/test names the one it built. */
export const binary =
  process.env["RESOURCELOCK_BINARY"] ?? `${import.meta.dir}/../../dist/resourcelock`;

/** How a process ended, and what it printed. */
export interface Outcome {
  /** The exit status, as a shell gives it: 128 + N for a process that signal N killed. */
  status: number;
  stdout: string;
  stderr: string;
}

export interface SpawnOptions {
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs the binary to its end. */
export function resourcelock(...words: string[]): Promise<Outcome> {
  return finish(start([binary, ...words]));
}

/** Runs a bash script to its end; `resourcelock` in it is the binary. */
export function bash(script: string, options: SpawnOptions = {}): Promise<Outcome> {
  return finish(
    start(["bash", "-c", `resourcelock() { "$RESOURCELOCK" "$@"; }\n${script}`], options),
  );
}

/** Starts a process with pipes for its standard streams; RESOURCELOCK in its environment is the binary. */
export function start(words: string[], { env = {}, cwd }: SpawnOptions = {}) {
  return Bun.spawn(words, {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, RESOURCELOCK: binary, TERM: "dumb", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
}

export type Process = ReturnType<typeof start>;

/** Waits for a process's end and all that it prints. */
export async function finish(child: Process): Promise<Outcome> {
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  // Bun gives 128 + N for a process that a signal killed.
  return { status: await child.exited, stdout, stderr };
}

/** Reads a stream until a text has come; what was read so far is the result. */
export async function readUntil(
  stream: ReadableStream<Uint8Array>,
  text: string | RegExp,
): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let read = "";
  try {
    while (typeof text === "string" ? !read.includes(text) : !text.test(read)) {
      const { done, value } = await reader.read();
      if (done)
        throw new Error(`the stream ended before ${String(text)}; it said ${JSON.stringify(read)}`);
      read += decoder.decode(value, { stream: true });
    }
  } finally {
    reader.releaseLock();
  }
  return read;
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
