/** get + unget of a free lock, in a process that does nothing else. */
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { type Locker, names } from "../peers.ts";
import { Started } from "../processes.ts";
import { atLeast, atMost, tableOf, type Table } from "../report.ts";
import { figure, median, ratio } from "../statistics.ts";

/** One measurement is so many pairs as pass in about this time. */
const batchMilliseconds = 40;

export default {
  name: "library",
  title: "get + unget in a process",
  async measure(bench: Bench) {
    const { lockers, lockName, choose } = bench;
    const started: Started[] = [];
    const entries: Entry[] = [];
    for (const { name, missing, words, environment } of lockers) {
      if (missing !== undefined) {
        entries.push({ name, missing });
        continue;
      }
      const process = new Started(words(lockName("library", name)), environment);
      started.push(process);
      const pairs = await warmUp(process, choose({ trial: 10, quick: 150, full: 1000 }));
      entries.push({
        name,
        measure: async () => nanosecondsOf(process, pairs).then((ns) => ns / pairs / 1000),
      });
    }
    const rounds = choose({ trial: 3, quick: 8, full: 50 });
    const values = await interleave(entries, { rounds, secondsEach: 60 });
    await Promise.all(started.map((process) => process.kill()));

    const of = (name: string) => values.get(name) ?? [];
    const npm = lockers.filter(({ name }) => /, (?:node|bun)$/.test(name));
    const fastest = npm
      .filter(({ name }) => of(name).length > 0)
      .toSorted((one, other) => median(of(one.name)) - median(of(other.name)))[0];
    const ahead = fastest === undefined ? Number.NaN : ratio(of(fastest.name), of(names.getLock));
    return {
      how: "Microseconds for one get and one unget of a free lock, after a warm-up. The library and the Python peer write the info text with its date; the library keeps the ledger and draws a fencing token besides. The npm packages and the C program do neither.",
      tables: [
        tableOf(entries, values, { unit: "us", bases: [names.semaphore, names.python] }),
        ...(await systemCallTables(bench)),
      ],
      shapes: [{ name: "library, in one process", microseconds: median(of(names.getLock)) }],
      aims: [
        atMost("library: get + unget under 8 us", median(of(names.getLock)), 8, " us"),
        atLeast(
          `library: the fastest package of npm (${fastest?.name ?? "none"}) takes 10 x as long and more`,
          ahead,
          10,
          " x",
        ),
        atLeast(
          "library: the Python peer takes longer",
          ratio(of(names.python), of(names.getLock)),
          1,
          " x",
        ),
      ],
    };
  },
} satisfies Work;

async function nanosecondsOf(locker: Started, pairs: number): Promise<number> {
  return Number(await locker.ask(`pairs ${pairs}`));
}

/** Uses a locker for some time, and finds out how many pairs make a measurement. */
async function warmUp(locker: Started, milliseconds: number): Promise<number> {
  const deadline = performance.now() + milliseconds;
  let pairs = 1;
  for (;;) {
    const taken = (await nanosecondsOf(locker, pairs)) / 1e6;
    if (performance.now() > deadline && taken > batchMilliseconds / 3) {
      return Math.max(1, Math.round((pairs * batchMilliseconds) / taken));
    }
    if (taken < batchMilliseconds / 2) pairs *= 2;
  }
}

/** What the kernel is asked for in one pair: the difference of two runs that differ by some hundred pairs. */
async function systemCallTables({ lockers, lockName, directory }: Bench): Promise<Table[]> {
  const columns = ["", "system calls a pair", "which"];
  if (Bun.which("strace") === null) {
    return [{ columns, rows: [["strace", "missing: package strace", ""]] }];
  }
  const rows: string[][] = [];
  for (const locker of lockers) {
    if (locker.missing !== undefined) continue;
    const name = lockName("strace", locker.name);
    const few = await systemCalls(locker, name, `${directory}/strace`, 20);
    const many = await systemCalls(locker, name, `${directory}/strace`, 220);
    const calls = [...many]
      .map(([call, count]): [string, number] => [call, (count - (few.get(call) ?? 0)) / 200])
      .filter(([, count]) => count >= 0.5)
      .toSorted(([, one], [, other]) => other - one);
    const sum = calls.reduce((total, [, count]) => total + count, 0);
    const which = calls.map(([call, count]) => `${call} ${figure(count)}`).join(", ");
    rows.push([locker.name, figure(sum), which]);
  }
  return [{ columns, rows }];
}

async function systemCalls(
  { words, environment }: Locker,
  lockName: string,
  file: string,
  pairs: number,
): Promise<Map<string, number>> {
  const traced = new Started(["strace", "-f", "-c", "-o", file, ...words(lockName)], environment);
  await traced.ask(`pairs ${pairs}`);
  await traced.letGo();
  await traced.end();
  const counts = new Map<string, number>();
  for (const line of (await Bun.file(file).text()).split("\n")) {
    // % time, seconds, usecs/call, calls, errors or nothing, syscall
    const [, , , calls, ...rest] = line.trim().split(/\s+/);
    const call = rest.at(-1);
    if (call !== undefined && /^\d+$/.test(calls ?? "") && call !== "total") {
      counts.set(call, Number(calls));
    }
  }
  return counts;
}
