#!/usr/bin/env bun
/**
 * What a whole process costs: the compiled binary beside an empty compiled Bun program and flock, on the
 * same work, interleaved in one run, as medians and ratios of medians. Also the memory of a waiter and the
 * binary's size.
 *
 *     scripts/bench/startup.ts [ROUNDS]      default 200; scripts/build first, and an idle machine
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";

const rounds = Number(process.argv[2] ?? 200);
const root = `${import.meta.dir}/../..`;
const directory = mkdtempSync(`${tmpdir()}/resourcelock-bench-`);
/** A copy: start-up depends on how a file got into the page cache, which must be alike for both programs. */
const binary = `${directory}/resourcelock`;
const lockName = `bench-${process.pid}`;

/** The flags of scripts/build, so that the empty program differs by its source alone. */
function buildFlags(): string[] {
  const script = readFileSync(`${root}/scripts/build`, "utf8");
  const flags = script.matchAll(/(?<= )--(?:compile|bytecode|format|no-compile)(?:"[^"]*"|\S)*/g);
  return [...flags].map(([flag]) => flag.replaceAll('"', ""));
}

function compile(name: string, source: string): string {
  const [path, input] = [`${directory}/${name}`, `${directory}/${name}.ts`];
  Bun.spawnSync(["sh", "-c", 'printf %s "$0" >"$1"', source, input]);
  const built = Bun.spawnSync(
    [process.execPath, "build", ...buildFlags(), `--outfile=${path}.built`, input],
    { cwd: directory },
  );
  if (!built.success) throw new Error(built.stderr.toString());
  Bun.spawnSync(["cp", `${path}.built`, path]);
  return path;
}

function milliseconds(command: readonly string[]): number {
  const start = Bun.nanoseconds();
  const { exitCode } = Bun.spawnSync([...command], { stdio: ["ignore", "ignore", "ignore"] });
  const elapsed = (Bun.nanoseconds() - start) / 1e6;
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`);
  return elapsed;
}

function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) * fraction)] ?? Number.NaN;
}

/** Resident memory of a program that blocks, in KiB, once it has come to rest. */
async function blockedMemory(command: readonly string[]): Promise<number> {
  const child = Bun.spawn([...command], { stdio: ["ignore", "ignore", "ignore"] });
  let previous = -1;
  for (;;) {
    await Bun.sleep(200);
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    if (resident === previous) {
      child.kill("SIGKILL");
      await child.exited;
      return resident;
    }
    previous = resident;
  }
}

Bun.spawnSync(["cp", `${root}/dist/resourcelock`, binary]);
const empty = compile("empty", "");
const blocked = compile("blocked", "setInterval(() => {}, 1e9);");
const lockFile = `${directory}/flock`;

// Each in turn, so that get finds the lock free and unget finds it locked.
const works: Record<string, readonly string[]> = {
  "empty Bun program": [empty],
  state: [binary, "state", lockName],
  get: [binary, "get", lockName],
  unget: [binary, "unget", lockName],
  "run -- true": [binary, "run", lockName, "--", "true"],
  "flock true": ["flock", lockFile, "true"],
};

try {
  milliseconds([binary, "run", lockName, "--", "true"]);
  const times = new Map(Object.keys(works).map((work): [string, number[]] => [work, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [work, command] of Object.entries(works))
      times.get(work)?.push(milliseconds(command));
  }
  const base = quantile(times.get("empty Bun program") ?? [], 0.5);
  console.log(`${rounds} rounds, interleaved; ${new Date().toISOString()}`);
  console.log("work               median ms   p10    p90   x empty");
  for (const [work, values] of times) {
    const [p10, median, p90] = [0.1, 0.5, 0.9].map((fraction) => quantile(values, fraction));
    const cells = [median, p10, p90].map((value) => value?.toFixed(2).padStart(6));
    console.log(`${work.padEnd(19)}  ${cells.join(" ")}   ${((median ?? 0) / base).toFixed(2)}`);
  }
  const [run = 0, flock = 0] = ["run -- true", "flock true"].map((work) =>
    quantile(times.get(work) ?? [], 0.5),
  );
  console.log(`run against flock: ${(run / flock).toFixed(2)} x`);

  milliseconds([binary, "get", lockName]);
  const waiter = await blockedMemory([binary, "get", lockName, "-t", "-1"]);
  const idle = await blockedMemory([blocked]);
  console.log(
    `blocked RSS: get -t -1 ${(waiter / 1024).toFixed(1)} MiB, an empty Bun program ${(idle / 1024).toFixed(1)} MiB`,
  );
  const [size, emptySize] = [binary, empty].map((path) => statSync(path).size / 1024 ** 2);
  console.log(`size: ${size?.toFixed(1)} MiB, an empty Bun program ${emptySize?.toFixed(1)} MiB`);
} finally {
  rmSync(directory, { recursive: true });
  for (const path of [`/dev/shm/${lockName}`, `/dev/shm/sem.${lockName}`])
    rmSync(path, { force: true });
}
