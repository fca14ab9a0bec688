/** `list`: every lock on this host. */
import { defineCommand } from "citty";
import { columnsOf } from "../../posix/terminal.ts";
import type { LockState } from "../../lock/status.ts";
import { parseAge } from "../arguments/values.ts";
import { listLines } from "../pictures/list-screen.ts";
import { compareNaturally } from "../terminal/text.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, options } from "../arguments/options.ts";
import { lockStyles, painter } from "../terminal/colors.ts";
import { jsonLine } from "../terminal/escape.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { compileHotCode } from "../jit.ts";
import {
  heldFirst,
  listColumns,
  listFacts,
  longestFirst,
  type Order,
} from "../status/list-columns.ts";
import { deadlocksOfLock, deadlockText } from "../status/deadlock-text.ts";
import { diagnostics, printLine } from "../terminal/output.ts";
import { metricLines } from "../status/prometheus.ts";
import { holdSeconds } from "../status/status-text.ts";
import { UsageError } from "../arguments/words.ts";

const stdout = 1;

export default defineCommand({
  meta: {
    name: "list",
    group: "See locks",
    description: "List the locks of this host",
    examples: [
      ["list", "all locks of this host"],
      ["list --held --sort age", "those held, longest first"],
      ["list --held-over 1h", "those held for over an hour"],
      ["list --stale", "those whose holder died"],
    ],
    conflicts: [["json", "prometheus"]],
    notes: [
      `Columns: ${listColumns.map(({ head, description }) => `${head}: ${description}`).join(". ")}.`,
      `With --json each lock is an object with ${[...listColumns, ...listFacts].map(({ field }) => field).join(", ")}.`,
    ],
  },
  args: {
    held: options.held,
    stale: { ...options.stale, description: "only what dead processes left" },
    all: options.all,
    sort: options.sort,
    prometheus: options.prometheus,
    "held-over": {
      ...options["held-over"],
      description: "only locks held longer than this; with --prometheus, a metric that tells which",
    },
    "no-color": options["no-color"],
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const heldOver = args["held-over"];
    const heldOverSeconds = heldOver === undefined ? undefined : parseAge("--held-over", heldOver);
    const order = orders[args.sort];
    if (order === undefined) {
      const names = Object.keys(orders).join(", ");
      throw new UsageError(`--sort: ${JSON.stringify(args.sort)} is not one of ${names}`);
    }
    await using engine = await openEngine({ server: args.server, output });
    const found = await engine.list({ onlyStale: args.stale ?? false });
    const nowSeconds = Date.now() / 1000;
    const locks = found
      .filter(({ state }) => !args.held || state === "held" || state === "stale")
      .filter((lock) => args.prometheus || isHeldOver(lock, heldOverSeconds, nowSeconds))
      .toSorted((one, other) => order(one, other, nowSeconds));
    if (output.verbose) diagnostics().debug(`${found.length} found, ${locks.length} listed`);
    if (output.quiet) return exitCodes.done;

    const isWaitedFor = found.some(({ waiters }) => waiters.length > 0);
    const circles =
      isWaitedFor && !args.prometheus ? await engine.deadlocks(args.stale ? undefined : found) : [];
    if (args.prometheus) {
      printLine(metricLines(locks, { nowSeconds, heldOverSeconds }).join("\n"));
    } else if (locks.length === 0) {
      diagnostics().info(noneText(args, heldOver));
    } else if (output.json) {
      const lines = locks.map((lock) => {
        const deadlocks = deadlocksOfLock(circles, lock.name);
        const json = jsonOf(lock, nowSeconds);
        return jsonLine(deadlocks.length === 0 ? json : { ...json, deadlocks });
      });
      printLine(lines.join("\n"));
    } else {
      const paint = painter(stdout, args["no-color"] ?? false);
      const columns = columnsOf(stdout);
      const all = args.all ?? false;
      const deadlocks = circles.map((circle) => `deadlock: ${deadlockText(circle)}`);
      const lines = listLines(locks, { all, columns, nowSeconds, paint });
      printLine([...lines, ...deadlocks.map((line) => paint(lockStyles.broken, line))].join("\n"));
    }
    return exitCodes.done;
  },
});

function isHeldOver(
  { holders }: LockState,
  limitSeconds: number | undefined,
  nowSeconds: number,
): boolean {
  return limitSeconds === undefined || (holdSeconds(holders, nowSeconds) ?? 0) > limitSeconds;
}

function noneText(
  { stale, held }: { stale?: boolean | undefined; held?: boolean | undefined },
  heldOver: string | undefined,
): string {
  if (stale) return "no stale locks";
  if (heldOver !== undefined) return `no lock has been held longer than ${heldOver}`;
  return held ? "no lock is held" : "no locks";
}

const orders: Readonly<Record<string, Order>> = Object.assign(Object.create(null), {
  held: heldFirst,
  name: (one: LockState, other: LockState) => compareNaturally(one.name, other.name),
  age: longestFirst,
});

function jsonOf(lock: LockState, nowSeconds: number): object {
  const facts = [...listColumns, ...listFacts];
  return Object.fromEntries(facts.map(({ field, json }) => [field, json(lock, nowSeconds)]));
}
