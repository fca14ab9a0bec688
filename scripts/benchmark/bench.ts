/**
 * The benchmark: each work in turn, each with all that do it interleaved; then the page of results.
 * scripts/bench tells the options.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Bench, Effort } from "./context.ts";
import { startEtcd } from "./etcd.ts";
import { machineTable } from "./machine.ts";
import type { Peer } from "./peers.ts";
import { killAll } from "./processes.ts";
import { buildPrograms } from "./programs.ts";
import { findPeers } from "./runners.ts";
import {
  type Aim,
  aimsTable,
  type Findings,
  findingsText,
  reasons,
  type Table,
  tableText,
} from "./report.ts";
import { type Shape, shapesPicture } from "./shapes.ts";
import { figure } from "./statistics.ts";
import { works } from "./works.ts";

const options = optionsOf(process.argv.slice(2));
const effort: Effort = options.trial ? "trial" : options.quick ? "quick" : "full";
const chosen = works.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
if (chosen.length < Math.max(1, new Set(options.only).size)) {
  refuse(`the works are ${works.map(({ name }) => name).join(", ")}`);
}

function optionsOf(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        quick: { type: "boolean", default: false },
        trial: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        results: { type: "string", default: `${import.meta.dir}/RESULTS.md` },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(why: string): never {
  console.error(`scripts/bench: ${why}`);
  console.error("usage: scripts/bench [--quick] [--only WORK]... [--results PATH] | --install");
  process.exit(64);
}

const directory = mkdtempSync(`${tmpdir()}/resourcelock-bench-`);
const prefix = `bench-${process.pid}`;

function cleanUp(): void {
  killAll();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  for (const file of readdirSync("/dev/shm")) {
    if (file.startsWith(prefix) || file.startsWith(`sem.${prefix}`)) {
      rmSync(`/dev/shm/${file}`, { force: true });
    }
  }
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    cleanUp();
    process.exit(1);
  });
}

async function measureAll(): Promise<string> {
  const machine = machineTable();
  const programs = buildPrograms(directory);
  const etcd = await startEtcd(directory);
  const peers = findPeers({ directory, programs, etcd });
  const bench: Bench = {
    effort,
    directory,
    programs,
    ...peers,
    choose: (choices) => choices[effort],
    lockName: (...parts) => [prefix, ...parts].join("-").replaceAll(/[^\w-]+/g, ""),
  };
  say(tableText(machine));
  const versions = versionsTable([...peers.runners, ...peers.lockers, ...peers.scripts]);
  say(tableText(versions));

  const texts: string[] = [];
  const aims: Aim[] = [];
  const shapes: Shape[] = [];
  for (const { title, measure } of chosen) {
    const start = performance.now();
    const findings = await measure(bench).catch(failed);
    findings.notes = [
      ...(findings.notes ?? []),
      `Took ${figure((performance.now() - start) / 1000)} s`,
    ];
    aims.push(...findings.aims);
    shapes.push(...(findings.shapes ?? []));
    texts.push(findingsText(title, findings));
    say(texts.at(-1) ?? "");
  }
  return [
    "# Results of the benchmark",
    `Written by \`${commandLine()}\`. Times are those of a whole process where nothing else is said. Of each figure there are the median and the span from the 10th to the 90th percentile of n measurements, which were made in turn with those beside it. \`x flock\` is how many times the median is that of flock.`,
    ...(effort === "full" ? [] : [`This is a ${effort} run: its figures are rough.`]),
    tableText(machine),
    "## Aims",
    tableText(aimsTable(aims)),
    ...reasons(aims).map((reason) => `Not met, because: ${reason}`),
    ...(await choice(shapes)),
    ...texts,
    "## Versions",
    tableText(versions),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

/** What to choose for which work, with the picture beside the page. */
async function choice(shapes: readonly Shape[]): Promise<string[]> {
  if (shapes.length === 0) return [];
  const picture = "shapes.svg";
  await Bun.write(resolve(dirname(resolve(options.results)), picture), shapesPicture(shapes));
  return [
    "## Choose the shape",
    `![What taking and releasing a lock takes, by how it is done](${picture})`,
    [
      "- One job now and then: `run`.",
      "- A job that runs for hours, or a service: `run --no-fork`, of which nothing stays in memory.",
      "- Many short sections in a script: `session`; in a program of Bun: the library.",
      "- Jobs on several hosts: `--server`.",
    ].join("\n"),
  ];
}

/** The other works go on. */
function failed(error: unknown): Findings {
  process.exitCode = 1;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(text);
  return { how: "", tables: [], aims: [], notes: [`Failed: ${text.split("\n")[0]}`] };
}

function commandLine(): string {
  const words = options.only.flatMap((name) => ["--only", name]);
  return ["scripts/bench", ...(effort === "full" ? [] : [`--${effort}`]), ...words].join(" ");
}

function versionsTable(peers: readonly Peer[]): Table {
  const rows = new Map(
    peers.map(({ name, version, missing }) => [
      name,
      [name, missing === undefined ? version : `missing: ${missing}`],
    ]),
  );
  return { columns: ["", "version"], rows: [...rows.values()] };
}

function say(text: string): void {
  console.log(`${text}\n`);
}

try {
  const text = await measureAll();
  const path = resolve(options.results);
  await Bun.write(path, text);
  Bun.spawnSync([process.execPath, "fmt", path], { cwd: `${import.meta.dir}/../..` });
  say(`written: ${path}`);
} finally {
  cleanUp();
}
process.exit();
