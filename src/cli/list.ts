/** `list`: every lock on this host. */
import { type ListedLock, locksOnHost, staleOnHost } from "../lock/lock-list.ts";
import { isTerminal } from "../posix/file.ts";
import { terminalColumns } from "../posix/terminal.ts";
import { commonOptions, options, outputOptions } from "./arguments.ts";
import { painter, type Style } from "./colors.ts";
import { table } from "./columns.ts";
import { command } from "./command.ts";
import { escapeControls, jsonLine } from "./escape.ts";
import { exitCodes } from "./exit-code.ts";
import { heldSeconds, listColumns, listFacts } from "./list-columns.ts";
import { diagnostics, printLine } from "./output.ts";
import { metricLines } from "./prometheus.ts";
import { UsageError } from "./usage-error.ts";

const stdout = 1;

export default command({
  name: "list",
  description: "List the locks of this host",
  args: {
    locked: options.locked,
    stale: { ...options.stale, description: "only what participants that died have left" },
    sort: options.sort,
    prometheus: options.prometheus,
    "no-color": options["no-color"],
    ...commonOptions,
  },
  notes: [
    `Columns: ${listColumns.map(({ head, description }) => `${head}: ${description}`).join(". ")}.`,
    `With --json each lock is an object with ${[...listColumns, ...listFacts].map(({ field }) => field).join(", ")}.`,
  ],
  run({ args }) {
    const output = outputOptions(args);
    const order = orders[args.sort];
    if (order === undefined) {
      const names = Object.keys(orders).join(" or ");
      throw new UsageError(`--sort: ${JSON.stringify(args.sort)} is not ${names}`);
    }
    if (args.prometheus && args.json) throw new UsageError("give --json or --prometheus, not both");
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

type Order = (one: ListedLock, other: ListedLock, nowSeconds: number) => number;

/** By code points, which is the same on every host. */
const byName: Order = (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0);

const orders: Readonly<Record<string, Order>> = Object.assign(Object.create(null), {
  name: byName,
  /** Those held the longest first. */
  age: ((one, other, nowSeconds) =>
    (heldSeconds(other, nowSeconds) ?? -1) - (heldSeconds(one, nowSeconds) ?? -1)) satisfies Order,
});

function jsonOf(lock: ListedLock, nowSeconds: number): object {
  const facts = [...listColumns, ...listFacts];
  return Object.fromEntries(facts.map(({ field, json }) => [field, json(lock, nowSeconds)]));
}

const styleOfState: Partial<Record<ListedLock["state"], Style>> = {
  free: "green",
  locked: "yellow",
  stale: "red",
  damaged: "red",
  leftover: "red",
  unreadable: "dim",
};

function tableOf(locks: readonly ListedLock[], nowSeconds: number, noColor: boolean): string[] {
  const paint = painter(stdout, noColor);
  const rows = locks.map((lock) =>
    listColumns.map(({ text }) => escapeControls(text(lock, nowSeconds))),
  );
  const width = isTerminal(stdout) ? terminalColumns(stdout) : Infinity;
  return table(listColumns, rows, width, (text, row, column) => {
    if (row === -1) return paint("bold", text);
    const state = listColumns[column]?.field === "state" ? locks[row]?.state : undefined;
    const style = state === undefined ? undefined : styleOfState[state];
    return style === undefined ? text : paint(style, text);
  });
}
