/** The memory of waiters, beside that of a Bun program that waits for nothing. */
import type { Bench, Work } from "../context.ts";
import { names } from "../peers.ts";
import { memoryOf, Started, untilAtRest } from "../processes.ts";
import { atMost } from "../report.ts";
import { figure, median } from "../statistics.ts";

const blockedProgram = "empty Bun program, blocked";
const count = 20;

interface Group {
  name: string;
  missing?: string | undefined;
  start: () => Started;
}

export default {
  name: "memory",
  title: "The memory of a waiter",
  async measure(bench: Bench) {
    const found = new Map<string, { resident: number; proportional: number }>();
    const groups = groupsOf(bench);
    for (const { name, start, missing } of groups) {
      if (missing === undefined) found.set(name, await memoryOfGroup(start));
    }

    const base = found.get(blockedProgram);
    const times = (name: string, key: "resident" | "proportional") =>
      (found.get(name)?.[key] ?? Number.NaN) / (base?.[key] ?? Number.NaN);
    const run = names.run;
    return {
      how: `${count} processes wait for one lock. RSS counts all memory that a process has, Pss what several share by parts. Medians of the ${count}, in MiB.`,
      tables: [
        {
          columns: ["", "RSS MiB", `Pss MiB, with ${count} of them`, "x empty RSS", "x empty Pss"],
          rows: groups.map(({ name, missing }) => {
            if (missing !== undefined) return [name, `missing: ${missing}`, "", "", ""];
            const { resident = Number.NaN, proportional = Number.NaN } = found.get(name) ?? {};
            return [
              name,
              figure(resident / 1024),
              figure(proportional / 1024),
              figure(times(name, "resident")),
              figure(times(name, "proportional")),
            ];
          }),
        },
      ],
      aims: [
        atMost(
          "a waiting run: RSS at most 1.1 x a blocked empty Bun program",
          times(run, "resident"),
          1.1,
          " x",
        ),
        atMost("a waiting run: Pss at most 1.1 x the same", times(run, "proportional"), 1.1, " x"),
      ],
    };
  },
} satisfies Work;

function groupsOf({ programs, runners, scripts, lockName }: Bench): Group[] {
  const wanted = new Set<string>([names.run, names.flock, names.semaphore, names.python]);
  const get = [programs.resourcelock, "get", lockName("memory", "get"), "-t", "-1"];
  return [
    { name: blockedProgram, start: () => new Started([programs.blocked]) },
    { name: "resourcelock get -t -1", start: () => new Started(get) },
    ...[...runners, ...scripts]
      .filter((runner) => wanted.has(runner.name))
      .map((runner) => ({
        name: runner.name,
        missing: runner.missing,
        start: () =>
          new Started(
            runner.words(lockName("memory", runner.name), ["sleep", "100"]),
            runner.environment,
          ),
      })),
  ];
}

/** The first one gets the lock, and is not counted. */
async function memoryOfGroup(
  start: () => Started,
): Promise<{ resident: number; proportional: number }> {
  const first = start();
  await untilAtRest(first.pid);
  const processes = Array.from({ length: count }, start);
  await Promise.all(processes.map(({ pid }) => untilAtRest(pid)));
  const memories = processes.map(({ pid }) => memoryOf(pid));
  await Promise.all([first, ...processes].map((process) => process.kill()));
  return {
    resident: median(memories.map(({ resident }) => resident)),
    proportional: median(memories.map(({ proportional }) => proportional)),
  };
}
