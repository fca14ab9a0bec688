/** The memory of waiters, beside that of a Bun program that waits for nothing. */
import type { Bench, Work } from "../context.ts";
import { ofStructure } from "../limits.ts";
import { names } from "../peers.ts";
import { type Memory, memoryOf, Started, untilAtRest } from "../processes.ts";
import { atMost } from "../report.ts";
import { figure, median } from "../statistics.ts";

const blockedProgram = "empty Bun program, blocked";
const count = 10;

interface Group {
  name: string;
  missing?: string | undefined;
  start: () => Started;
}

export default {
  name: "memory",
  title: "The memory of a waiter",
  async measure(bench: Bench) {
    const found = new Map<string, Memory>();
    const groups = groupsOf(bench);
    for (const { name, start, missing } of groups) {
      if (missing === undefined) found.set(name, await memoryOfGroup(start));
    }

    const base = found.get(blockedProgram);
    const times = (name: string, key: "resident" | "proportional") =>
      (found.get(name)?.[key] ?? Number.NaN) / (base?.[key] ?? Number.NaN);
    const run = names.run;
    const ofRun = found.get(run);
    return {
      how: `${count} processes wait for one lock. RSS counts all memory that a process has, Pss what several share by parts, and private memory is what was written and no other has: the kernel can drop the rest. Medians of the ${count}, in MiB.`,
      tables: [
        {
          columns: ["", "RSS MiB", "Pss MiB", "private MiB", "x empty RSS", "x empty Pss"],
          rows: groups.map(({ name, missing }) => {
            if (missing !== undefined) return [name, `missing: ${missing}`, "", "", "", ""];
            const memory = found.get(name);
            return [
              name,
              figure((memory?.resident ?? Number.NaN) / 1024),
              figure((memory?.proportional ?? Number.NaN) / 1024),
              figure((memory?.private ?? Number.NaN) / 1024),
              figure(times(name, "resident")),
              figure(times(name, "proportional")),
            ];
          }),
        },
      ],
      aims: [
        {
          ...atMost(
            "a waiting run: at most 2.8 MiB private",
            (ofRun?.private ?? Number.NaN) / 1024,
            2.8,
            " MiB",
          ),
          limit: `${figure((base?.private ?? Number.NaN) / 1024)} MiB, the blocked program`,
          why: ofStructure,
        },
        {
          ...atMost(
            `${count} waiting runs: at most 50 MiB, the sum of their Pss`,
            ((ofRun?.proportional ?? Number.NaN) * count) / 1024,
            50,
            " MiB",
          ),
          limit: `${figure(((base?.proportional ?? Number.NaN) * count) / 1024)} MiB, as many blocked programs`,
          why: ofStructure,
        },
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
async function memoryOfGroup(start: () => Started): Promise<Memory> {
  const first = start();
  await untilAtRest(first.pid);
  const processes = Array.from({ length: count }, start);
  await Promise.all(processes.map(({ pid }) => untilAtRest(pid)));
  const memories = processes.map(({ pid }) => memoryOf(pid));
  await Promise.all([first, ...processes].map((process) => process.kill()));
  return {
    resident: median(memories.map(({ resident }) => resident)),
    proportional: median(memories.map(({ proportional }) => proportional)),
    private: median(memories.map((memory) => memory.private)),
  };
}
