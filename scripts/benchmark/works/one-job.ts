/** One short job, as a whole process: take the lock, run `true`, release. */
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { ofStructure } from "../limits.ts";
import { names } from "../peers.ts";
import { millisecondsOf } from "../processes.ts";
import { atLeast, atMost, tableOf } from "../report.ts";
import { median, ratio } from "../statistics.ts";

export const emptyProgram = "empty Bun program";

export default {
  name: "one-job",
  title: "One short job",
  async measure(bench: Bench) {
    const entries = entriesOf(bench);
    const values = await interleave(entries, {
      rounds: bench.choose({ trial: 3, quick: 40, full: 300 }),
      secondsEach: bench.choose({ trial: 0.1, quick: 0.4, full: 2.5 }),
    });
    const times = (name: string, base: string) =>
      ratio(values.get(name) ?? [], values.get(base) ?? []);
    return {
      how: "Take a free lock, run `true`, release the lock: `resourcelock run NAME -- true`, `flock FILE true`, `sem --fg --id NAME true`, `etcdctl lock NAME true` with etcd on this machine. lockfile needs a shell and `rm`. The packages of npm, the library and the Python peer are a script that does the same.",
      tables: [tableOf(entries, values, { unit: "ms", bases: [names.flock, emptyProgram] })],
      aims: [
        atMost("one job: at most 4 x flock", times(names.run, names.flock), 4, " x"),
        {
          ...atMost(
            "one job: at most 1.7 x the empty Bun program",
            times(names.run, emptyProgram),
            1.7,
            " x",
          ),
          limit: "1.28 x, all of run as one straight line of code",
          why: ofStructure,
        },
        atLeast(
          "one job: etcdctl takes 2 x as long and more",
          times(names.etcdctl, names.run),
          2,
          " x",
        ),
        atLeast("one job: sem takes 10 x as long and more", times(names.sem, names.run), 10, " x"),
        atLeast(
          "one job: proper-lockfile in Node takes 10 x as long and more",
          times("proper-lockfile, node", names.run),
          10,
          " x",
        ),
      ],
      shapes: [names.run, names.flock, names.etcdctl].map((name) => ({
        name: `${name} NAME true`,
        microseconds: median(values.get(name) ?? []) * 1000,
      })),
    };
  },
} satisfies Work;

function entriesOf({ programs, runners, scripts, lockName }: Bench): Entry[] {
  return [
    { name: emptyProgram, measure: () => millisecondsOf([programs.empty]) },
    ...[...runners, ...scripts].map(({ name, missing, environment, words }): Entry => {
      if (missing !== undefined) return { name, missing };
      const command = words(lockName("one-job", name), ["true"]);
      return { name, measure: () => millisecondsOf(command, environment) };
    }),
  ];
}
