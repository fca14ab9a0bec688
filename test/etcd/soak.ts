/**
 * A soak: clients take one lock of a cluster of three, again and again, while members are killed and stopped, clients
 * lose their way to the cluster, and wrappers and keepers are killed and stopped, one of the two at a time. Half of the
 * clients are on hosts of their own, whose cable is pulled, where the machine allows that; the ways of the others are cut.
 *
 * A witness hears from each command, fifty times a second, the token under which it runs. A token that is lower than one
 * that was heard before means that two were inside at once, or one after the other in the wrong order.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../support/process.ts";
import { EtcdCluster } from "./etcd-cluster.ts";
import { Forwarder } from "./forwarder.ts";
import { haveOtherHosts, OtherHost } from "./other-host.ts";
import { eventually } from "../support/eventually.ts";

export interface SoakReport {
  /** Tokens that were heard. */
  grants: number;
  beats: number;
  /** Beats with a token lower than one heard before. */
  falls: number;
  /** How often each status of `run` came. */
  statuses: Record<string, number>;
  faults: Record<string, number>;
  /** How often `run` said what, names of servers left out. */
  said: Record<string, number>;
  /** Keys that were left when all had ended and all leases had run out. */
  left: string[];
}

const lockName = "soak";
const ttlSeconds = 4;
/** Groups of clients that lose their way to the cluster together. */
const groups = 4;
/** How often a command tells its token: one in four lives long enough to get a keeper. */
const beats = [8, 8, 8, 80];
const beating = (count: number) =>
  `for i in $(seq ${count}); do echo $RESOURCELOCK_TOKEN; sleep 0.02; done`;

export async function soak(seconds: number, clients: number): Promise<SoakReport> {
  const directory = mkdtempSync(join(tmpdir(), "resourcelock-soak-"));
  await using cluster = await EtcdCluster.start(3);
  await using ways = new AsyncDisposableStack();
  const places: Whereabouts[] = [];
  for (let group = 0; group < groups; group++) {
    places.push(
      haveOtherHosts && group % 2 === 0
        ? ways.use(await OtherHost.of(cluster))
        : ways.use(await SameHost.of(cluster)),
    );
  }
  const report: SoakReport = {
    grants: 0,
    beats: 0,
    falls: 0,
    statuses: {},
    faults: {},
    said: {},
    left: [],
  };
  const witness = new Witness(report, join(directory, "witness"));
  const end = performance.now() + seconds * 1000;
  const wrappers = new Set<Bun.Subprocess>();
  try {
    const work = Array.from({ length: clients }, (_, index) =>
      client(places[index % groups], { end, wrappers, report, path: witness.path }),
    );
    await makeFaults({ cluster, places, end, wrappers, report });
    await Promise.all(work);
    await cluster.ready();
    // Leases of clients that were killed, and what a change of leader adds to them.
    await eventually("no key", async () => (await cluster.keys(`${lockName}/`)).length === 0).catch(
      async () => (report.left = await cluster.keys(`${lockName}/`)),
    );
  } finally {
    for (const wrapper of wrappers) wrapper.kill("SIGKILL");
    witness.close();
    rmSync(directory, { recursive: true });
  }
  return report;
}

/** Where a group of clients is: how they reach the cluster, and lose their way to it. */
interface Whereabouts {
  readonly servers: string;
  words(...command: string[]): string[];
  cut(): void;
  heal(): void;
}

class SameHost implements Whereabouts, AsyncDisposable {
  readonly #ways: readonly Forwarder[];

  private constructor(ways: readonly Forwarder[]) {
    this.#ways = ways;
  }

  static async of({ members }: EtcdCluster): Promise<SameHost> {
    return new SameHost(await Promise.all(members.map(({ client: url }) => Forwarder.to(url))));
  }

  get servers(): string {
    return this.#ways.map(({ url }) => url).join(",");
  }

  words(...command: string[]): string[] {
    return command;
  }

  cut(): void {
    for (const way of this.#ways) way.cut();
  }

  heal(): void {
    for (const way of this.#ways) way.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of this.#ways) await way[Symbol.asyncDispose]();
  }
}

/** Reads the tokens that commands write into a FIFO, in the order in which they come. */
class Witness {
  readonly path: string;
  readonly #reader: Bun.Subprocess<"ignore", "pipe", "inherit">;

  constructor(report: SoakReport, path: string) {
    this.path = path;
    // Open for writing too, so that it does not end between two commands.
    const read = `mkfifo "$0" && exec cat <>"$0"`;
    this.#reader = Bun.spawn(["sh", "-c", read, path], { stdio: ["ignore", "pipe", "inherit"] });
    void this.#listen(report);
  }

  async #listen(report: SoakReport): Promise<void> {
    let highest = 0;
    let rest = "";
    for await (const chunk of this.#reader.stdout) {
      const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const token = Number(line);
        report.beats += 1;
        if (token < highest) report.falls += 1;
        if (token > highest) report.grants += 1;
        highest = Math.max(highest, token);
      }
    }
  }

  close(): void {
    this.#reader.kill("SIGKILL");
  }
}

interface Work {
  end: number;
  wrappers: Set<Bun.Subprocess>;
  report: SoakReport;
  path: string;
}

async function client(
  place: Whereabouts | undefined,
  { end, wrappers, report, path }: Work,
): Promise<void> {
  if (place === undefined) throw new RangeError("a client without a place");
  while (performance.now() < end) {
    const words = [
      "run",
      "--server",
      place.servers,
      "--ttl",
      String(ttlSeconds),
      "-t",
      "60",
      "-q",
      lockName,
    ];
    const inside = ["sh", "-c", `exec >>"${path}"; ${beating(randomOf(beats) ?? 8)}`];
    const wrapper = Bun.spawn(place.words(binary, ...words, ...inside), {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, HTTP_PROXY: "http://127.0.0.1:1" },
    });
    wrappers.add(wrapper);
    const said = new Response(wrapper.stderr).text();
    await wrapper.exited;
    wrappers.delete(wrapper);
    const status = String(wrapper.exitCode ?? wrapper.signalCode);
    report.statuses[status] = (report.statuses[status] ?? 0) + 1;
    const told = (await said).replaceAll(/http:\/\/[\d.:]+/g, "URL").trim();
    if (told !== "") report.said[told] = (report.said[told] ?? 0) + 1;
    await Bun.sleep(Math.random() * 200);
  }
}

interface Stage {
  cluster: EtcdCluster;
  places: readonly Whereabouts[];
  end: number;
  wrappers: Set<Bun.Subprocess>;
  report: SoakReport;
}

function randomMember(): number {
  return Math.floor(Math.random() * 3);
}

/** One fault after the other, each healed before the next. */
async function makeFaults(stage: Stage): Promise<void> {
  const { cluster, places, end, report } = stage;
  const faults: Record<string, () => Promise<void>> = {
    async memberKilled() {
      const index = randomMember();
      await cluster.killMember(index);
      await Bun.sleep(1000 + Math.random() * 3000);
      cluster.startMember(index);
    },
    async memberStopped() {
      const index = randomMember();
      cluster.signalMember(index, "SIGSTOP");
      await Bun.sleep(500 + Math.random() * 4000);
      cluster.signalMember(index, "SIGCONT");
    },
    async wayCut() {
      const place = randomOf(places);
      place?.cut();
      await Bun.sleep(1000 + Math.random() * 6000);
      place?.heal();
    },
    async wrapperKilled() {
      randomOf(stage.wrappers)?.kill("SIGKILL");
    },
    async wrapperStopped() {
      const wrapper = randomOf(stage.wrappers);
      wrapper?.kill("SIGSTOP");
      await Bun.sleep(500 + Math.random() * 6000);
      wrapper?.kill("SIGCONT");
    },
    async keeperKilled() {
      signalKeepers(stage.wrappers, "SIGKILL");
    },
    async keeperStopped() {
      const stopped = signalKeepers(stage.wrappers, "SIGSTOP");
      await Bun.sleep(500 + Math.random() * 6000);
      for (const keeper of stopped) signal(keeper, "SIGCONT");
    },
  };
  while (performance.now() < end) {
    await Bun.sleep(300);
    const [name = "", make] = randomOf(Object.entries(faults)) ?? [];
    await make?.();
    report.faults[name] = (report.faults[name] ?? 0) + 1;
    await cluster.ready();
  }
}

function randomOf<Item>(items: Iterable<Item>): Item | undefined {
  const all = [...items];
  return all[Math.floor(Math.random() * all.length)];
}

/** @returns the keepers that got the signal */
function signalKeepers(wrappers: Iterable<Bun.Subprocess>, name: NodeJS.Signals): number[] {
  const keepers = [...wrappers].flatMap((wrapper) => keepersOf(wrapper.pid));
  return keepers.filter((keeper) => signal(keeper, name));
}

function signal(processId: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(processId, name);
  } catch {
    // It has ended by itself.
    return false;
  }
}

function keepersOf(wrapper: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((id) => id > 0 && isKeeperOf(id, wrapper));
}

function isKeeperOf(processId: number, wrapper: number): boolean {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const words = readFileSync(`/proc/${processId}/cmdline`, "utf8");
    return Number(parent) === wrapper && words.includes("__keeper");
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const [seconds = "600", clients = "24"] = process.argv.slice(2);
  const report = await soak(Number(seconds), Number(clients));
  console.log(JSON.stringify(report, null, 2));
  process.exit(report.falls === 0 && report.left.length === 0 && report.grants > 0 ? 0 : 1);
}
