/** From one process's release to the grant of the one that waits. */
import type { Bench, Work } from "../context.ts";
import { ofHandOver } from "../limits.ts";
import { gaps, MarkHolder, readMarks } from "../marks.ts";
import { type Locker, names, polling, type Runner } from "../peers.ts";
import { Started, untilAtRest } from "../processes.ts";
import { atMost, type Aim, type Table } from "../report.ts";
import { handOvers, readSections } from "../sections.ts";
import { figure, median, quantile, ratio } from "../statistics.ts";

const holdMicroseconds = 1000;
/** Shorter than the hold, so that the other one's release finds this one waiting again. */
const pauseMicroseconds = 300;

type Values = Map<string, number[]>;

export default {
  name: "hand-over",
  title: "Hand-over",
  async measure(bench: Bench) {
    const between = await handOversOfLockers(bench);
    const commands = await handOversOfRunners(bench);
    return {
      how: `Between two processes that pass a lock to and fro: microseconds from before the release call to after the return of the other one's get call, which was waiting. Each holds it for ${holdMicroseconds} us. Between commands: from the end of a command to the beginning of the next one, in a queue of commands that wait by \`resourcelock run NAME -- COMMAND\`, \`flock FILE COMMAND\` and so on; the start of the command is in it.`,
      tables: [
        tableOfHandOvers("between two processes", bench.lockers, between, names.semaphore),
        tableOfHandOvers("between commands", bench.runners, commands, names.flock),
      ],
      aims: [
        ...aimsBeside("hand-over, getLock", between, names.getLock, names.semaphore),
        ...aimsBeside("hand-over between commands", commands, names.run, names.semaphore),
        {
          ...atMost(
            "hand-over between commands: p50 at most 2.3 x flock",
            ratio(commands.get(names.run) ?? [], commands.get(names.flock) ?? []),
            2.3,
            " x",
          ),
          limit: "1.0 x, flock",
          why: ofHandOver,
        },
      ],
    };
  },
} satisfies Work;

function aimsBeside(what: string, values: Values, name: string, base: string): Aim[] {
  const [mine = [], limit = []] = [values.get(name), values.get(base)];
  return [0.5, 0.99].map((fraction) =>
    atMost(
      `${what}: p${fraction * 100} at most 2 x the C program`,
      quantile(mine, fraction) / quantile(limit, fraction),
      2,
      " x",
    ),
  );
}

function tableOfHandOvers(
  title: string,
  peers: readonly (Locker | Runner)[],
  values: Values,
  base: string,
): Table {
  const baseMedian = median(values.get(base) ?? []);
  return {
    columns: [title, "p50 us", "p90 us", "p99 us", "n", `x ${base}`],
    rows: peers.map(({ name, missing }) => {
      if (missing !== undefined) return [name, `missing: ${missing}`, "", "", "", ""];
      const mine = values.get(name) ?? [];
      const quantiles = [0.5, 0.9, 0.99].map((fraction) => figure(quantile(mine, fraction)));
      return [name, ...quantiles, String(mine.length), figure(median(mine) / baseMedian)];
    }),
  };
}

async function handOversOfLockers({ lockers, lockName, choose }: Bench): Promise<Values> {
  const values: Values = new Map();
  const pairs = lockers
    .filter(({ missing }) => missing === undefined)
    .map(({ name, words, environment }) => {
      const command = words(lockName("hand-over", name));
      return { name, both: [new Started(command, environment), new Started(command, environment)] };
    });
  // As soon as they answer they are ready.
  await Promise.all(pairs.flatMap(({ both }) => both.map((one) => one.ask("pairs 20"))));
  const rounds = choose({ trial: 1, quick: 3, full: 10 });
  const sections = choose({ trial: 10, quick: 50, full: 150 });
  for (let round = 0; round < rounds; round++) {
    for (const { name, both } of pairs) {
      const request = `sections ${sections} ${holdMicroseconds} ${pauseMicroseconds}`;
      await Promise.all(both.map((one) => one.say(request)));
      const all = await Promise.all(both.map(readSections));
      values.set(name, [...(values.get(name) ?? []), ...handOvers(all.flat())]);
    }
  }
  await Promise.all(pairs.flatMap(({ both }) => both.map((one) => one.kill())));
  return values;
}

async function handOversOfRunners(bench: Bench): Promise<Values> {
  const { runners, programs, choose } = bench;
  const values: Values = new Map();
  if (programs.mark === undefined) return values;
  const rounds = choose({ trial: 1, quick: 3, full: 10 });
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) {
      if (runner.missing !== undefined) continue;
      const isSlow = polling.has(runner.name);
      if (isSlow && round > choose({ trial: 0, quick: 0, full: 2 })) continue;
      const waiters = isSlow
        ? choose({ trial: 1, quick: 1, full: 2 })
        : choose({ trial: 3, quick: 6, full: 10 });
      const queued = await gapsOfQueue(bench, runner, round, waiters);
      values.set(runner.name, [...(values.get(runner.name) ?? []), ...queued]);
    }
  }
  return values;
}

/** A queue of commands behind a holder that is let go. @returns microseconds from each one's end to the next one's beginning */
export async function gapsOfQueue(
  { programs, directory, lockName }: Bench,
  runner: Runner,
  round: number | string,
  count: number,
): Promise<number[]> {
  const lock = lockName("hand-over-of-commands", runner.name);
  const file = `${directory}/${lock}-marks-${round}`;
  const mark = programs.mark ?? "";
  const holder = await MarkHolder.start(runner, lock, { mark, file });
  const waiters = Array.from({ length: count }, (_, index) => {
    return new Started(runner.words(lock, [mark, file, String(index + 1)]), runner.environment);
  });
  await Promise.all(waiters.map(({ pid }) => untilAtRest(pid)));
  await holder.letGo();
  await Promise.all([holder.process, ...waiters].map((process) => process.end()));
  return gaps(readMarks(file));
}
