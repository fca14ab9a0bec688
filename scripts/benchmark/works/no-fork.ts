/** What stays in memory beside a command that runs under a lock. */
import { readdirSync, readFileSync } from "node:fs";
import type { Bench, Work } from "../context.ts";
import { names, type Runner } from "../peers.ts";
import { memoryOf, Started, untilAtRest } from "../processes.ts";
import { atMost } from "../report.ts";
import { figure } from "../statistics.ts";

const noFork = "resourcelock run --no-fork";
const command = ["sleep", "1000"];

interface Job {
  name: string;
  missing?: string | undefined;
  words: readonly string[];
}

export default {
  name: "no-fork",
  title: "While a command runs",
  async measure(bench: Bench) {
    const found = new Map<string, { processes: number; privateKib: number }>();
    const jobs = jobsOf(bench);
    for (const { name, words, missing } of jobs) {
      if (missing === undefined) found.set(name, await memoryWhile(words));
    }
    const { privateKib = Number.NaN, processes = Number.NaN } = found.get(noFork) ?? {};
    return {
      how: "`sleep` runs under a lock. Counted are all processes of the job, the command among them, and the memory that they have written and that is theirs alone.",
      tables: [
        {
          columns: ["", "processes", "private memory MiB"],
          rows: jobs.map(({ name, missing }) => {
            if (missing !== undefined) return [name, `missing: ${missing}`, ""];
            const job = found.get(name);
            return [name, String(job?.processes ?? "-"), figure((job?.privateKib ?? 0) / 1024)];
          }),
        },
      ],
      aims: [
        atMost("run --no-fork: one process while the command runs", processes, 1),
        atMost("run --no-fork: at most 0.2 MiB, all private", privateKib / 1024, 0.2, " MiB"),
      ],
    };
  },
} satisfies Work;

function jobsOf({ programs, runners, lockName }: Bench): Job[] {
  const job = ({ name, missing, words }: Runner): Job => {
    return { name, missing, words: words(lockName("no-fork", name), command) };
  };
  const own = runners.filter(({ name }) => name === names.run || name === names.flock);
  const flock = runners.find(({ name }) => name === names.flock);
  const flockWords = flock?.words(lockName("no-fork", "flock-F"), command) ?? [];
  return [
    { name: "sleep alone", words: command },
    ...own.map(job),
    { name: noFork, words: [programs.resourcelock, "run", "-F", lockName(noFork), ...command] },
    {
      name: "flock --no-fork",
      missing: flock?.missing,
      words: ["flock", "--no-fork", ...flockWords.slice(1)],
    },
  ];
}

async function memoryWhile(
  words: readonly string[],
): Promise<{ processes: number; privateKib: number }> {
  const leader = new Started(words);
  await untilAtRest(leader.pid);
  const all = processesOfGroup(leader.pid);
  const privateKib = all.reduce((sum, pid) => sum + memoryOf(pid).private, 0);
  await leader.kill();
  return { processes: all.length, privateKib };
}

/** proc_pid_stat(5): the group is field 5. */
function processesOfGroup(group: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && groupOf(pid) === group);
}

function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
