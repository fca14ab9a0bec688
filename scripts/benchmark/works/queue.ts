/** Many waiters on one lock: their order, what they cost while they wait, how long until all were served. */
import { readFileSync, statSync } from "node:fs";
import { ResourceLock } from "../../../src/index.ts";
import type { Bench, Work } from "../context.ts";
import { MarkHolder, overlaps, readMarks } from "../marks.ts";
import { names, type Runner } from "../peers.ts";
import { Started, threadsOf, until, type Usage, usedSince } from "../processes.ts";
import { atMost, notMeasured, type Table } from "../report.ts";
import { figure, inversions } from "../statistics.ts";

/** What was seen of one queue. */
interface Queue {
  waiters: number;
  /** From the release to the end of the last one's work. */
  milliseconds: number;
  inversions: number;
  overlaps: number;
  /** Of one waiter, a second of waiting. */
  wakeUps: number;
  cpuMilliseconds: number;
}

const aims = [
  "200 waiters: served in the order of their coming, no inversion",
  "200 waiters: linear, a waiter at most 1.5 x as long as among a quarter of them",
  "200 waiters: at most one wake-up a second for each",
] as const;

export default {
  name: "queue",
  title: "Many waiters on one lock",
  async measure(bench: Bench) {
    const { programs, runners, choose } = bench;
    const how =
      "Waiters come one after the other, each when the one before it waits, and then the holder releases the lock. Before that, what all of them do while they wait is counted. A waiter's work is the command `mark`, which writes down when it began and ended.";
    const { mark } = programs;
    if (mark === undefined) return notMeasured(how, "a C compiler (package gcc)", aims);

    const sizes = choose({ trial: [5, 20], quick: [50, 200], full: [50, 200] });
    const queues = new Map<string, Queue[]>();
    for (const size of sizes) {
      for (const runner of runners.filter(
        ({ name, missing }) => name in waitersOf && missing === undefined,
      )) {
        const queue = await measureQueue(bench, runner, mark, size);
        queues.set(runner.name, [...(queues.get(runner.name) ?? []), queue]);
      }
    }
    const mine = queues.get(names.run) ?? [];
    const [fewest, most] = [mine[0], mine.at(-1)];
    const each = ({ milliseconds, waiters }: Queue) => milliseconds / waiters;
    const wrong = mine.reduce((sum, queue) => sum + queue.inversions + queue.overlaps, 0);
    return {
      how,
      tables: [tableOfQueues(queues)],
      aims: [
        { aim: aims[0], measured: `${wrong} inversions and overlaps`, met: wrong === 0 },
        atMost(aims[1], most && fewest ? each(most) / each(fewest) : Number.NaN, 1.5, " x"),
        atMost(aims[2], most?.wakeUps ?? Number.NaN, 1, " a second"),
      ],
    };
  },
} satisfies Work;

function tableOfQueues(queues: ReadonlyMap<string, readonly Queue[]>): Table {
  const rows = [...queues].flatMap(([name, ofName]) =>
    ofName.map((queue) => [
      name,
      String(queue.waiters),
      figure(queue.milliseconds),
      figure(queue.milliseconds / queue.waiters),
      String(queue.inversions),
      String(queue.overlaps),
      figure(queue.wakeUps),
      figure(queue.cpuMilliseconds / 10),
    ]),
  );
  return {
    columns: [
      "",
      "waiters",
      "all served, ms",
      "each, ms",
      "inversions",
      "overlaps",
      "wake-ups a waiter and second",
      "% CPU a waiter",
    ],
    rows,
  };
}

/** How many wait for a lock now, of those that tell; the names of the others are not here. */
const waitersOf: Record<string, (lockName: string, bench: Bench) => number> = {
  [names.run]: (lockName) => {
    using lock = new ResourceLock(lockName);
    return lock.status().waiters.length;
  },
  [names.semaphore]: (lockName) =>
    // sem_t of glibc on 64 bits: the value, then the number of waiters.
    readFileSync(`/dev/shm/sem.${lockName}`).readUInt32LE(4),
  [names.flock]: (lockName, { directory }) => {
    const { ino } = statSync(`${directory}/${lockName}`);
    const lines = readFileSync("/proc/locks", "utf8").split("\n");
    return lines.filter((line) => line.includes("->") && line.includes(`:${ino} `)).length;
  },
};

async function measureQueue(
  bench: Bench,
  runner: Runner,
  mark: string,
  size: number,
): Promise<Queue> {
  const { directory, lockName, choose } = bench;
  const lock = lockName("queue", runner.name, size);
  const file = `${directory}/${lock}-marks`;
  const holder = await MarkHolder.start(runner, lock, { mark, file });
  const waiters: Started[] = [];
  for (let label = 1; label <= size; label++) {
    waiters.push(new Started(runner.words(lock, [mark, file, String(label)]), runner.environment));
    const waits = () => (waitersOf[runner.name]?.(lock, bench) ?? 0) >= label;
    if (!(await until(waits, 10))) throw new Error(`${runner.name}: waiter ${label} does not wait`);
  }
  const seconds = choose({ trial: 0.2, quick: 1, full: 5 });
  // A runtime tidies up for some seconds after its start.
  await Bun.sleep(choose({ trial: 0, quick: 1000, full: 3000 }));
  const before = waiters.map(({ pid }) => threadsOf(pid));
  await Bun.sleep(seconds * 1000);
  const used = waiters.map(({ pid }, index) => usedSince(before[index] ?? new Map(), pid));
  await holder.letGo();
  await Promise.all([holder.process, ...waiters].map((process) => process.end()));

  const marks = readMarks(file);
  const last = Math.max(...marks.map(({ ended }) => ended));
  const perWaiter = (key: keyof Usage) =>
    used.reduce((sum, usage) => sum + usage[key], 0) / size / seconds;
  return {
    waiters: size,
    milliseconds: (last - (marks[0]?.ended ?? Number.NaN)) / 1e6,
    inversions: inversions(marks.map(({ label }) => Number(label))),
    overlaps: overlaps(marks),
    wakeUps: perWaiter("waits"),
    cpuMilliseconds: perWaiter("cpuMilliseconds"),
  };
}
