/** `list`: every lock on this host. */
import { defineCommand } from "citty";
import { locksOnHost, staleOnHost } from "../../host/inventory/list.ts";
import type { LockState } from "../../lock/status.ts";
import { columnsOf } from "../../posix/terminal.ts";
import { tableLines } from "../terminal/aligned-table.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, options } from "../arguments/options.ts";
import { painter } from "../terminal/colors.ts";
import { jsonLine } from "../terminal/escape.ts";
import { exitCodes } from "../exit-code.ts";
import { compileHotCode } from "../jit.ts";
import { listColumns, listFacts } from "../status/list-columns.ts";
import { diagnostics, printLine } from "../terminal/output.ts";
import { metricLines } from "../status/prometheus.ts";
import { heldSeconds } from "../status/status-text.ts";
import { UsageError } from "../arguments/words.ts";

const stdout = 1;

export default defineCommand({
  meta: {
    name: "list",
    group: "See locks",
    description: "List the locks of this host",
    examples: [
      ["list", "all locks of this host"],
      ["list --locked --sort age", "those held longest first"],
      ["list --stale", "those whose holder died"],
    ],
    conflicts: [["json", "prometheus"]],
    notes: [
      `Columns: ${listColumns.map(({ head, description }) => `${head}: ${description}`).join(". ")}.`,
      `With --json each lock is an object with ${[...listColumns, ...listFacts].map(({ field }) => field).join(", ")}.`,
    ],
  },
  args: {
    locked: options.locked,
    stale: { ...options.stale, description: "only what participants that died have left" },
    sort: options.sort,
    prometheus: options.prometheus,
    "no-color": options["no-color"],
    ...commonOptions,
  },
  run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const order = orders[args.sort];
    if (order === undefined) {
      const names = Object.keys(orders).join(" or ");
      throw new UsageError(`--sort: ${JSON.stringify(args.sort)} is not ${names}`);
    }
    const found = args.stale ? staleOnHost() : locksOnHost();
    const nowSeconds = Date.now() / 1000;
    const locks = found
      .filter(({ state }) => !args.locked || state === "locked" || state === "stale")
      .toSorted((one, other) => order(one, other, nowSeconds) || byName(one, other, nowSeconds));
    if (output.verbose) diagnostics().debug(`${found.length} found, ${locks.length} listed`);
    if (output.quiet) return exitCodes.done;

    if (args.prometheus) {
      printLine(metricLines(locks, nowSeconds).join("\n"));
    } else if (locks.length === 0) {
      diagnostics().info(
        `there are no ${args.stale ? "stale " : args.locked ? "locked " : ""}locks`,
      );
    } else if (output.json) {
      printLine(locks.map((lock) => jsonLine(jsonOf(lock, nowSeconds))).join("\n"));
    } else {
      printLine(tableOf(locks, nowSeconds, args["no-color"] ?? false).join("\n"));
    }
    return exitCodes.done;
  },
});

type Order = (one: LockState, other: LockState, nowSeconds: number) => number;

/** By code points, which is the same on every host. */
const byName: Order = (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0);

const orders: Readonly<Record<string, Order>> = Object.assign(Object.create(null), {
  name: byName,
  /** Those held the longest first. */
  age: ((one, other, nowSeconds) =>
    (heldSeconds(other.holders, nowSeconds) ?? -1) -
    (heldSeconds(one.holders, nowSeconds) ?? -1)) satisfies Order,
});

function jsonOf(lock: LockState, nowSeconds: number): object {
  const facts = [...listColumns, ...listFacts];
  return Object.fromEntries(facts.map(({ field, json }) => [field, json(lock, nowSeconds)]));
}

function tableOf(locks: readonly LockState[], nowSeconds: number, noColor: boolean): string[] {
  const columns = listColumns.map((column) =>
    Object.assign({}, column, { text: (lock: LockState) => column.text(lock, nowSeconds) }),
  );
  return tableLines(columns, locks, columnsOf(stdout), painter(stdout, noColor));
}
