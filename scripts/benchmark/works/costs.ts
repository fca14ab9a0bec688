/** What a start costs that can be counted, and so is the same on a busy machine: page faults and system calls. */
import { readFileSync } from "node:fs";
import type { Bench, Work } from "../context.ts";
import { ofStructure } from "../limits.ts";
import { names } from "../peers.ts";
import { faultsOf, millisecondsOf } from "../processes.ts";
import { atMost, type Table } from "../report.ts";
import { figure, median } from "../statistics.ts";
import { emptyProgram } from "./one-job.ts";

interface Command {
  name: string;
  words: readonly string[];
  /** Brings the lock into the state that the command needs. */
  before?: readonly string[];
  missing?: string | undefined;
}

interface Costs {
  faults: number;
  calls: number | undefined;
  threads: number | undefined;
}

export default {
  name: "costs",
  title: "Page faults and system calls",
  async measure(bench: Bench) {
    const commands = commandsOf(bench);
    const costs = new Map<string, Costs>();
    for (const command of commands) {
      if (command.missing === undefined) costs.set(command.name, costsOf(command, bench));
    }
    const base = costs.get(emptyProgram)?.faults ?? Number.NaN;
    const times = (name: string) => (costs.get(name)?.faults ?? Number.NaN) / base;
    const limits = [
      [names.run, 1.7],
      ["state", 1.4],
      ["get", 1.4],
      ["unget", 1.4],
    ] as const;
    return {
      how: "Of a whole process and what it starts: minor page faults (the median of several starts), system calls and the threads of the program itself, as strace counts them. They hardly depend on what else the machine does.",
      tables: [tableOfCosts(commands, costs, times)],
      aims: limits.map(([name, limit]) =>
        Object.assign(
          atMost(
            `page faults of ${name}: at most ${limit} x the empty Bun program`,
            times(name),
            limit,
            " x",
          ),
          {
            limit: "1.0 x, the empty program",
            why: ofStructure,
          },
        ),
      ),
    };
  },
} satisfies Work;

function commandsOf({ programs, runners, lockName }: Bench): Command[] {
  const name = lockName("costs");
  const program = programs.resourcelock;
  const runWords = runners.filter((runner) =>
    [names.run, names.flock, names.semaphore].some((wanted) => wanted === runner.name),
  );
  const get = [program, "get", name];
  const unget = [program, "unget", name];
  return [
    { name: emptyProgram, words: [programs.empty] },
    { name: "true", words: ["true"] },
    ...runWords.map(({ name: runner, words, missing }) => ({
      name: runner,
      words: words(name, ["true"]),
      missing,
    })),
    { name: "resourcelock run --no-fork", words: [program, "run", "-F", name, "true"] },
    { name: "state", words: [program, "state", name] },
    { name: "get", words: get, before: unget },
    { name: "unget", words: unget, before: get },
  ];
}

function costsOf({ words, before }: Command, { choose, directory }: Bench): Costs {
  const prepare = () => {
    // What is free already gives 1.
    if (before !== undefined) Bun.spawnSync([...before], { stdio: ["ignore", "ignore", "ignore"] });
  };
  prepare();
  // The first start reads the files into memory.
  millisecondsOf(words);
  const faults = Array.from({ length: choose({ trial: 1, quick: 5, full: 15 }) }, () => {
    prepare();
    return faultsOf(words);
  });
  prepare();
  return { faults: median(faults), ...callsOf(words, `${directory}/strace-costs`) };
}

function callsOf(words: readonly string[], file: string): Omit<Costs, "faults"> {
  if (Bun.which("strace") === null) return { calls: undefined, threads: undefined };
  millisecondsOf(["strace", "-f", "-o", file, ...words]);
  const lines = readFileSync(file, "utf8").split("\n");
  // A call that another thread interrupted has a second line, "<... read resumed>".
  const calls = lines.filter((line) => /^\d+ +\w+\(/.test(line));
  const threads = calls.filter((line) => line.includes("CLONE_THREAD"));
  return { calls: calls.length, threads: 1 + threads.length };
}

function tableOfCosts(
  commands: readonly Command[],
  costs: ReadonlyMap<string, Costs>,
  times: (name: string) => number,
): Table {
  return {
    columns: ["", "page faults", `x ${emptyProgram}`, "system calls", "threads"],
    rows: commands.map(({ name, missing }) => {
      if (missing !== undefined) return [name, `missing: ${missing}`, "", "", ""];
      const { faults = Number.NaN, calls, threads } = costs.get(name) ?? {};
      const ratioText = figure(times(name));
      return [name, figure(faults), ratioText, String(calls ?? "-"), String(threads ?? "-")];
    }),
  };
}
