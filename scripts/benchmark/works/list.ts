/** `list`, with few and with many locks. */
import { ResourceLock } from "../../../src/index.ts";
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { millisecondsOf, outputOf } from "../processes.ts";
import { atMost, notMeasured, tableOf } from "../report.ts";
import { figure, median } from "../statistics.ts";

const aims = [
  "list: 1,000 locks in 50 ms more than the program takes to start",
  "list: linear, a lock among the most at most 1.5 x as dear as among a tenth of them",
] as const;

export default {
  name: "list",
  title: "list, with many locks",
  async measure({ programs, lockName, choose }: Bench) {
    const program = programs.resourcelock;
    const how =
      "`resourcelock list` with so many locks on the host, all of them free; and the start of the program alone.";
    if (!/^ *list\b/m.test(outputOf([program, "--help"]) ?? "")) {
      return notMeasured(how, "this build has no command `list`", aims);
    }
    const counts = choose({ trial: [1, 10], quick: [1, 100, 1000], full: [1, 100, 1000, 10_000] });
    const values = new Map<string, number[]>();
    const entries: Entry[] = [];
    let made = 0;
    const alone: Entry = {
      name: "--version",
      measure: () => millisecondsOf([program, "--version"]),
    };
    for (const count of counts) {
      for (; made < count; made++) new ResourceLock(lockName("list", made)).close();
      const entry: Entry = {
        name: `${count} locks`,
        measure: () => millisecondsOf([program, "list"]),
      };
      entries.push(entry);
      const rounds = choose({ trial: 3, quick: 8, full: 30 });
      const ofCount = await interleave([alone, entry], { rounds, secondsEach: 10 });
      for (const [name, times] of ofCount) {
        values.set(name, [...(values.get(name) ?? []), ...times]);
      }
    }
    const start = median(values.get(alone.name) ?? []);
    const cost = (count: number) => median(values.get(`${count} locks`) ?? []) - start;
    const most = counts.at(-1) ?? 0;
    const linearity = cost(most) / most / (cost(most / 10) / (most / 10));
    return {
      how,
      tables: [tableOf([alone, ...entries], values, { unit: "ms", bases: [alone.name] })],
      aims: [atMost(aims[0], cost(1000), 50, " ms"), atMost(aims[1], linearity, 1.5, " x")],
      notes: [`A lock of ${most} costs ${figure((cost(most) / most) * 1000)} us`],
    };
  },
} satisfies Work;
