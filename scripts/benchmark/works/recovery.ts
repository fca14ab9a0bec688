/** A holder is killed: how long until the one that waits has the lock. */
import { monotonicSeconds } from "../../../src/posix/clock.ts";
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { readMarks, untilMarks } from "../marks.ts";
import { names, type Locker, type Runner } from "../peers.ts";
import { Started, untilAtRest } from "../processes.ts";
import { atMost, notMeasured } from "../report.ts";
import { figure, quantile } from "../statistics.ts";

const aim = "kill -9 of a holder: p99 to the next grant under 10 ms";

export default {
  name: "recovery",
  title: "After kill -9 of the holder",
  async measure(bench: Bench) {
    const { programs, choose } = bench;
    const { mark } = programs;
    const how =
      "The holder and the process that waits for it are told apart by their locks alone; kill -9 hits the holder itself, not its command. Milliseconds from before the kill to the start of the command of the one that waited (of a library: to the return of its call). `run` is given `--close` and flock `-o`, as else the command that lives on keeps the lock. etcd has its default time to live of a lock.";
    if (mark === undefined) return notMeasured(how, "a C compiler (package gcc)", [aim]);
    const longestSeconds = choose({ trial: 0.3, quick: 2, full: 15 });
    const cases = casesOf(bench, mark, longestSeconds);
    const values = await interleave(
      cases.filter((entry) => !isSlow(entry)),
      {
        rounds: choose({ trial: 1, quick: 12, full: 100 }),
        secondsEach: choose({ trial: 0.5, quick: 0.7, full: 12 }),
      },
    );
    // They do nothing but wait: all at the same time.
    const ofSlow = cases.filter(isSlow).map(async (entry) => {
      const found = await interleave([entry], { rounds: 1, secondsEach: 100 });
      values.set(entry.name, found.get(entry.name) ?? []);
    });
    await Promise.all(ofSlow);
    return {
      how,
      tables: [
        {
          columns: ["", "p50 ms", "p99 ms", "n", "not granted"],
          rows: cases.map(({ name, missing }) => {
            if (missing !== undefined) return [name, `missing: ${missing}`, "", "", ""];
            const all = values.get(name) ?? [];
            const granted = all.filter((value) => Number.isFinite(value));
            const never = all.length - granted.length;
            const [p50, p99] = [0.5, 0.99].map((fraction) => figure(quantile(granted, fraction)));
            const neverText = never === 0 ? "" : `${never} of ${all.length} in ${longestSeconds} s`;
            return [name, p50 ?? "", p99 ?? "", String(granted.length), neverText];
          }),
        },
      ],
      aims: [atMost(aim, quantile(values.get(runClose) ?? [], 0.99), 10, " ms")],
    };
  },
} satisfies Work;

const isSlow = ({ name }: Entry) => slow.has(name);

/** They find out by a time limit, or never. */
const slow: ReadonlySet<string> = new Set([
  "lockfile",
  "dotlockfile",
  names.etcdctl,
  names.semaphore,
  names.python,
  "proper-lockfile, node",
  "proper-lockfile, bun",
]);

const runClose = "resourcelock run --close";

/** Infinity where it is not granted in time. */
function casesOf(bench: Bench, mark: string, longestSeconds: number): Entry[] {
  const { runners, lockers, programs } = bench;
  const { resourcelock } = programs;
  const run = runners.filter(({ name }) => name === names.run);
  const entries: Entry[] = run.map((runner) => ({
    name: runClose,
    measure: () =>
      killRunner(bench, mark, longestSeconds, runner, (lockName) => [
        resourcelock,
        "run",
        lockName,
        "--close",
        "--",
      ]),
  }));
  for (const runner of runners) {
    const isLocker = lockers.some(({ name }) => name === runner.name);
    if (runner.name === names.run || isLocker) continue;
    entries.push({
      name: runner.name === names.flock ? "flock -o" : runner.name,
      missing: runner.missing,
      measure: () => killRunner(bench, mark, longestSeconds, runner, undefined),
    });
  }
  for (const locker of lockers) {
    const measure = () => killLocker(bench, longestSeconds, locker);
    entries.push({ name: locker.name, missing: locker.missing, measure });
  }
  return entries.map(({ name, missing, measure }) =>
    missing !== undefined || measure === undefined ? { name, missing } : { name, measure },
  );
}

let count = 0;

async function killRunner(
  { directory, lockName }: Bench,
  mark: string,
  longestSeconds: number,
  runner: Runner,
  holding: ((lockName: string) => string[]) | undefined,
): Promise<number> {
  count += 1;
  const lock = lockName("recovery", count);
  const file = `${directory}/${lock}-marks`;
  const sleep = ["sleep", "100"];
  const words = holding === undefined ? runner.words(lock, sleep) : [...holding(lock), ...sleep];
  // flock's option by which its command does not inherit the lock.
  if (runner.name === names.flock) words.splice(1, 0, "-o");
  const holder = new Started(words, runner.environment);
  await untilAtRest(holder.pid);
  const waiter = new Started(runner.words(lock, [mark, file, "next"]), runner.environment);
  await untilAtRest(waiter.pid);
  const killed = monotonicSeconds();
  // setlock has become the command, and so has the lock.
  holder.killAlone();
  const granted = await untilMarks(file, 1, longestSeconds);
  const begun = readMarks(file)[0]?.begun ?? Number.POSITIVE_INFINITY;
  await Promise.all([holder.kill(), waiter.kill()]);
  return granted ? begun / 1e6 - killed * 1000 : Number.POSITIVE_INFINITY;
}

async function killLocker(
  { lockName }: Bench,
  longestSeconds: number,
  { words, environment }: Locker,
): Promise<number> {
  count += 1;
  const command = words(lockName("recovery", count));
  const [holder, waiter] = [new Started(command, environment), new Started(command, environment)];
  await holder.ask("get");
  const answer = waiter.ask("get").catch(() => "");
  await untilAtRest(waiter.pid);
  const killed = monotonicSeconds();
  holder.killAlone();
  const granted = await Promise.race([answer, Bun.sleep(longestSeconds * 1000)]);
  await Promise.all([holder.kill(), waiter.kill()]);
  return typeof granted === "string" && granted !== ""
    ? Number(granted) / 1e6 - killed * 1000
    : Number.POSITIVE_INFINITY;
}
