/** Locks of a server: `run --server` beside `etcdctl lock`, on one etcd of this machine. */
import { haveOtherHosts, OtherHost } from "../../../test/etcd/other-host.ts";
import type { Bench, Work } from "../context.ts";
import { CountingWay } from "../counting-way.ts";
import { interleave } from "../interleave.ts";
import { MarkHolder, readMarks, untilMarks } from "../marks.ts";
import { names, type Runner } from "../peers.ts";
import { faultsOf, memoryOf, millisecondsOf, Started, untilAtRest } from "../processes.ts";
import { atMost, type Findings, notMeasured, type Table, tableOf } from "../report.ts";
import { figure, median, quantile, ratio } from "../statistics.ts";
import { monotonicSeconds } from "../../../src/posix/clock.ts";
import { emptyProgram } from "./one-job.ts";
import { gapsOfQueue } from "./hand-over.ts";

const ours = "resourcelock run --server";
const local = "resourcelock run, of this host";
/** The time to live of the leases whose host is cut off, for both. */
const cutTtlSeconds = 5;

interface Sides {
  ours: Runner;
  theirs: Runner;
  server: string;
}

export default {
  name: "across-hosts",
  title: "Across hosts",
  async measure(bench: Bench): Promise<Findings> {
    const how =
      "One etcd on this machine. One job: take a free lock, run `true`, release it. Page faults are those of the whole process tree of it. Hand-over: from the end of one command to the beginning of the next one's in a queue. Waiters: what they ask the server for while nothing happens, and their memory. A host that is cut off: a network namespace whose cable is pulled under the holder, and how long until the next one's command begins; both have a time to live of 5 s.";
    const sides = sidesOf(bench);
    if (sides === undefined) return notMeasured(how, "packages etcd-server, etcd-client");
    const jobs = await oneJob(bench, sides);
    const handOver = await handOvers(bench, sides);
    const waiting = await waiters(bench, sides);
    const cut = await cutOff(bench, sides);
    return {
      how,
      tables: [...jobs.tables, ...handOver.tables, ...waiting.tables, ...cut.tables],
      aims: [...jobs.aims, ...handOver.aims, ...waiting.aims, ...cut.aims],
    };
  },
} satisfies Work;

function sidesOf({ runners, programs }: Bench): Sides | undefined {
  const theirs = runners.find(({ name }) => name === names.etcdctl);
  const server = theirs?.environment["ETCDCTL_ENDPOINTS"];
  if (theirs === undefined || server === undefined) return undefined;
  return { theirs, server, ours: ourRunner(programs.resourcelock, server) };
}

function ourRunner(program: string, server: string, ...options: string[]): Runner {
  return {
    name: ours,
    version: "this",
    environment: {},
    words: (lockName, command) =>
      [program, "run", "--server", server, ...options, lockName, "--"].concat(command),
  };
}

type Part = Pick<Findings, "tables" | "aims">;

async function oneJob(bench: Bench, sides: Sides): Promise<Part> {
  const { programs, choose } = bench;
  const name = bench.lockName("across", "job");
  const commands = new Map<string, { words: string[]; environment: Record<string, string> }>([
    [names.etcdctl, wordsOf(sides.theirs, name)],
    [ours, wordsOf(sides.ours, name)],
    [local, { words: [programs.resourcelock, "run", name, "--", "true"], environment: {} }],
    [emptyProgram, { words: [programs.empty], environment: {} }],
  ]);
  const entries = [...commands].map(([each, { words, environment }]) => ({
    name: each,
    measure: () => millisecondsOf(words, environment),
  }));
  const values = await interleave(entries, {
    rounds: choose({ trial: 3, quick: 40, full: 200 }),
    secondsEach: choose({ trial: 0.1, quick: 2, full: 6 }),
  });
  const faults = new Map(
    [...commands].map(([each, { words, environment }]) => [
      each,
      Array.from({ length: choose({ trial: 1, quick: 5, full: 15 }) }, () =>
        faultsOf(words, environment),
      ),
    ]),
  );
  const times = ratio(values.get(ours) ?? [], values.get(names.etcdctl) ?? []);
  return {
    tables: [
      tableOf(entries, values, { unit: "ms", bases: [names.etcdctl, emptyProgram] }),
      tableOf(entries, faults, { unit: "page faults", bases: [names.etcdctl, emptyProgram] }),
    ],
    aims: [atMost("across hosts, one job: at most 1.0 x etcdctl lock", times, 1, " x")],
  };
}

const wordsOf = ({ words, environment }: Runner, lockName: string) => ({
  words: words(lockName, ["true"]),
  environment,
});

async function handOvers(bench: Bench, sides: Sides): Promise<Part> {
  const { programs, choose } = bench;
  const values = new Map<string, number[]>();
  if (programs.mark === undefined) return { tables: [], aims: [] };
  const rounds = choose({ trial: 1, quick: 3, full: 10 });
  for (let round = 0; round < rounds; round++) {
    for (const runner of [sides.theirs, sides.ours]) {
      const count = choose({ trial: 2, quick: 6, full: 10 });
      const gaps = await gapsOfQueue(bench, runner, `across-${round}`, count);
      values.set(runner.name, [...(values.get(runner.name) ?? []), ...gaps]);
    }
  }
  const [mine = [], base = []] = [values.get(ours), values.get(names.etcdctl)];
  return {
    tables: [
      {
        columns: ["hand-over", "p50 us", "p90 us", "p99 us", "n"],
        rows: [...values].map(([name, all]) => {
          const [p50 = "", p90 = "", p99 = ""] = [0.5, 0.9, 0.99].map((fraction) =>
            figure(quantile(all, fraction)),
          );
          return [name, p50, p90, p99, String(all.length)];
        }),
      },
    ],
    aims: [0.5, 0.99].map((fraction) =>
      atMost(
        `across hosts, hand-over: p${fraction * 100} at most 1.2 x etcdctl lock`,
        quantile(mine, fraction) / quantile(base, fraction),
        1.2,
        " x",
      ),
    ),
  };
}

async function waiters(bench: Bench, sides: Sides): Promise<Part> {
  const { programs, choose, lockName } = bench;
  const count = choose({ trial: 3, quick: 20, full: 50 });
  const seconds = choose({ trial: 1, quick: 9, full: 30 });
  const way = await CountingWay.to(sides.server);
  const runners = [ourRunner(programs.resourcelock, way.url), sides.theirs];
  const rows: string[][] = [];
  let perSecond = Number.NaN;
  let others = Number.NaN;
  for (const runner of runners) {
    const lock = lockName("across", "waiters", runner.name);
    const words = runner.words(lock, ["sleep", "100"]);
    const processes = Array.from(
      { length: count + 1 },
      () => new Started(words, runner.environment),
    );
    await untilQueued(sides.server, lock, processes.length);
    await Promise.all(processes.map(({ pid }) => untilAtRest(pid)));
    const memories = processes.map(({ pid }) => memoryOf(pid));
    const isOurs = runner.name === ours;
    way.counts.clear();
    if (isOurs) {
      await Bun.sleep(seconds * 1000);
      const all = [...way.counts.values()].reduce((sum, each) => sum + each, 0);
      perSecond = all / seconds;
      others = (all - renewals(way)) / seconds;
    }
    const memory = (key: "resident" | "proportional") =>
      figure(median(memories.map((each) => each[key])) / 1024);
    const asked = isOurs ? [figure(perSecond), figure(others)] : ["-", "-"];
    rows.push([runner.name, ...asked, memory("resident"), memory("proportional")]);
    await Promise.all(processes.map((process) => process.kill()));
  }
  way.close();
  const table: Table = {
    columns: [`${count} waiters`, "requests/s", "but renewals/s", "RSS MiB", "Pss MiB"],
    rows,
  };
  // The holder's renewals are confirmed by a read; a watch that was silent for a minute is made again.
  const aim = `across hosts, ${count} waiters: at most one request a second but renewals`;
  return { tables: [table], aims: [atMost(aim, others, 1, "/s")] };
}

/** Waits until so many hold a lock or wait for it. @throws after a minute */
async function untilQueued(server: string, lock: string, count: number): Promise<void> {
  // All keys from NAME/ up to NAME0: "0" is the letter behind the slash.
  const [key, end] = [`${lock}/`, `${lock}0`].map((text) => Buffer.from(text).toString("base64"));
  const body = JSON.stringify({ key, range_end: end, count_only: true });
  const deadline = performance.now() + 60_000;
  for (;;) {
    const response = await fetch(`${server}/v3/kv/range`, { method: "POST", body });
    const found = /"count":"(\d+)"/.exec(await response.text())?.[1];
    if (Number(found) === count) return;
    if (performance.now() > deadline) throw new Error(`${found} of ${count} are in the queue`);
    await Bun.sleep(100);
  }
}

const renewals = ({ counts }: CountingWay): number => counts.get("lease/keepalive") ?? 0;

async function cutOff(bench: Bench, sides: Sides): Promise<Part> {
  const aim = `across hosts, the holder's host is cut off: the next grant within its ${cutTtlSeconds} s and 1 s`;
  const { programs, directory, choose, lockName } = bench;
  const { mark } = programs;
  if (mark === undefined || !haveOtherHosts) {
    const met = undefined;
    return { tables: [], aims: [{ aim, measured: "not measured here", met }] };
  }
  await using host = await OtherHost.of({ members: [{ client: sides.server }] });
  const count = choose({ trial: 1, quick: 2, full: 5 });
  const ttl = ["--ttl", String(cutTtlSeconds)];
  const there: Runner[] = [
    ourRunner(programs.resourcelock, host.servers, ...ttl),
    {
      ...sides.theirs,
      environment: { ...sides.theirs.environment, ETCDCTL_ENDPOINTS: host.servers },
      words: (name, command) => ["etcdctl", "lock", ...ttl, name, ...command],
    },
  ];
  const files = new Map<string, string[]>();
  const started: Started[] = [];
  for (const runner of there) {
    for (let index = 0; index < count; index++) {
      const name = lockName("across", "cut", runner.name, index);
      const file = `${directory}/${name}-marks`;
      const holder = {
        ...runner,
        words: (...all: Parameters<Runner["words"]>) => host.words(...runner.words(...all)),
      };
      started.push((await MarkHolder.start(holder, name, { mark, file: `${file}-held` })).process);
      const { words, environment } = runner.name === ours ? sides.ours : sides.theirs;
      started.push(new Started(words(name, [mark, file, "1"]), environment));
      files.set(runner.name, [...(files.get(runner.name) ?? []), file]);
    }
  }
  await Promise.all(started.map(({ pid }) => untilAtRest(pid)));
  const cutAt = monotonicSeconds();
  host.cut();
  const rows: string[][] = [];
  const found = new Map<string, number[]>();
  for (const [name, marks] of files) {
    await Promise.all(marks.map((file) => untilMarks(file, 1, 4 * cutTtlSeconds)));
    const seconds = marks.map((file) => (readMarks(file)[0]?.begun ?? Number.NaN) / 1e9 - cutAt);
    found.set(name, seconds);
    const quantiles = [0, 0.5, 1].map((fraction) => figure(quantile(seconds, fraction)));
    rows.push([name, ...quantiles, String(seconds.length)]);
  }
  await Promise.all(started.map((process) => process.kill()));
  return {
    tables: [{ columns: ["cut off", "least s", "median s", "most s", "n"], rows }],
    aims: [atMost(aim, quantile(found.get(ours) ?? [], 1), cutTtlSeconds + 1, " s")],
  };
}
