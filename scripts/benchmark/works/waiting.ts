/** What a waiter does while it waits: how often it wakes up, and the processor time that this costs. */
import type { Bench, Work } from "../context.ts";
import { MarkHolder } from "../marks.ts";
import { names, type Locker } from "../peers.ts";
import { Started, threadsOf, untilAtRest, usedSince } from "../processes.ts";
import { atMost, notMeasured } from "../report.ts";
import { figure } from "../statistics.ts";

const aims = [
  "a waiting run: at most one wake-up a second",
  "a waiting run: under 0.02 % of a processor",
] as const;

/** One that waits, and how it is let go. */
interface Waiter {
  name: string;
  process: Started;
  holders: Started[];
}

export default {
  name: "waiting",
  title: "A waiter, while it waits",
  async measure(bench: Bench) {
    const { runners, lockers, programs, lockName, choose, directory } = bench;
    const { mark } = programs;
    const how =
      "One waiter of each kind waits for a lock that is held, all at the same time. Counted are its threads' waits in the kernel and the time that they had a processor. Those that start a shell or a program to wait are counted without that.";
    if (mark === undefined) return notMeasured(how, "a C compiler (package gcc)", aims);

    const waiters: Waiter[] = [];
    for (const runner of runners) {
      if (runner.missing !== undefined || lockers.some(({ name }) => name === runner.name)) {
        continue;
      }
      const lock = lockName("waiting", runner.name);
      const file = `${directory}/${lock}-marks`;
      const holder = await MarkHolder.start(runner, lock, { mark, file });
      const process = new Started(runner.words(lock, ["true"]), runner.environment);
      waiters.push({ name: runner.name, process, holders: [holder.process] });
    }
    const { resourcelock } = programs;
    waiters.push({
      name: "resourcelock get -t -1",
      process: new Started([resourcelock, "get", lockName("waiting", names.run), "-t", "-1"]),
      holders: [],
    });
    for (const locker of lockers) {
      if (locker.missing === undefined) waiters.push(await lockerThatWaits(bench, locker));
    }

    // A runtime tidies up for some seconds after its start.
    const settled = choose({ trial: 0, quick: 2, full: 5 });
    await Promise.all(waiters.map(({ process }) => untilAtRest(process.pid)));
    await Bun.sleep(settled * 1000);
    const seconds = choose({ trial: 0.5, quick: 3, full: 20 });
    const before = waiters.map(({ process }) => threadsOf(process.pid));
    await Bun.sleep(seconds * 1000);
    const used = new Map(
      waiters.map(({ name, process }, index) => {
        const { waits, cpuMilliseconds } = usedSince(before[index] ?? new Map(), process.pid);
        return [name, { wakeUps: waits / seconds, percent: cpuMilliseconds / 10 / seconds }];
      }),
    );
    for (const { process, holders } of waiters) {
      await process.kill();
      for (const holder of holders) await holder.kill();
    }

    const mine = used.get(names.run);
    return {
      how,
      tables: [
        {
          columns: ["", "wake-ups a minute", "CPU ms a minute", "% of a processor"],
          rows: [...used].map(([name, { wakeUps, percent }]) => [
            name,
            figure(wakeUps * 60),
            figure(percent * 10 * 60),
            figure(percent),
          ]),
        },
      ],
      aims: [
        atMost(aims[0], mine?.wakeUps ?? Number.NaN, 1, " a second"),
        atMost(aims[1], mine?.percent ?? Number.NaN, 0.02, " %"),
      ],
      notes: [`Counted for ${seconds} s, from ${settled} s after all were at rest`],
    };
  },
} satisfies Work;

async function lockerThatWaits({ lockName }: Bench, locker: Locker): Promise<Waiter> {
  const words = locker.words(lockName("waiting-in-process", locker.name));
  const holder = new Started(words, locker.environment);
  await holder.ask("get");
  const process = new Started(words, locker.environment);
  await process.say("get");
  return { name: locker.name, process, holders: [holder] };
}
