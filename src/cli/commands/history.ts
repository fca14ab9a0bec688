/** `history`: prints the last requests for locks, as a table or as pictures. */
import { defineCommand } from "citty";
import type { LockEngine } from "../../lock/engine.ts";
import { parseLockName } from "../../lock/name.ts";
import type { GrantRecord, LockState } from "../../lock/status.ts";
import { isTerminal } from "../../posix/file.ts";
import { columnsOf, terminalSize } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options } from "../arguments/options.ts";
import { parseCount } from "../arguments/values.ts";
import { type Paint, painter } from "../terminal/colors.ts";
import { escapeControls, jsonLine } from "../terminal/escape.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { historyPlot } from "../pictures/history-plot.ts";
import { historyTable, holdSecondsOf, momentOf, waitSecondsOf } from "../pictures/history-table.ts";
import { diagnostics, printLine } from "../terminal/output.ts";
import { compareNaturally } from "../terminal/text.ts";

const stdout = 1;
/** The width of a picture that goes elsewhere than to a terminal. */
const plotColumns = 80;

export default defineCommand({
  meta: {
    name: "history",
    group: "See locks",
    description: "Print the last requests for locks, and how they ended",
    byDefault: "without a NAME, those of all locks",
    repeats: true,
    examples: [
      ["history backup", "who held it, and how that ended"],
      ["history backup --plot", "draw it"],
      ["history -n 5", "the last five, of all locks"],
    ],
    conflicts: [["plot", "json"]],
    notes: ["A lock remembers about 30 requests, including any that were not granted."],
  },
  args: {
    name: { ...nameArgument, required: false },
    count: options.count,
    plot: options.plot,
    "no-color": options["no-color"],
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const names = [...new Set(args._.map(parseLockName))];
    const count = args.count === undefined ? Infinity : parseCount("--count", args.count);
    await using engine = await openEngine({ server: args.server, output });
    const histories = await historiesOf(
      engine,
      names,
      args.count === undefined ? undefined : count,
    );
    if (output.quiet) return exitCodes.done;
    const requests = lastOf(histories, count);
    const now = Date.now() / 1000;
    if (output.json) {
      for (const request of requests) printLine(jsonLine(jsonOf(request, now)));
      return exitCodes.done;
    }
    const paint = painter(stdout, args["no-color"] ?? false);
    const lines = args.plot
      ? plotsOf(requests, { now, paint, isWhole: args.count === undefined })
      : tableOf(requests, names.length !== 1, now, paint);
    for (const { name, records } of histories) {
      if (names.length > 0 && (records ?? []).length === 0) lines.push(emptyText(name, records));
    }
    if (lines.length > 0) printLine(lines.join("\n"));
    else diagnostics().info("no lock has a history");
    return exitCodes.done;
  },
});

/** What a lock remembers; undefined when there is no such lock. */
interface History {
  readonly name: string;
  readonly records: readonly GrantRecord[] | undefined;
}

/** A request, and the lock that it is about. */
interface Request {
  readonly name: string;
  readonly record: GrantRecord;
}

/** @param names empty for all locks but those that this user may not read */
async function historiesOf(
  engine: LockEngine,
  names: readonly string[],
  max: number | undefined,
): Promise<History[]> {
  const wanted =
    names.length > 0 ? names : (await engine.list()).filter(isReadable).map(({ name }) => name);
  const histories: History[] = [];
  for (const name of wanted) {
    histories.push({ name, records: await engine.history(name, { max }) });
  }
  return histories;
}

function isReadable({ state }: LockState): boolean {
  return state !== "unreadable" && state !== "damaged";
}

/** The last requests of them all, the oldest first. */
function lastOf(histories: readonly History[], count: number): Request[] {
  const requests = histories.flatMap(({ name, records = [] }) =>
    records.map((record) => ({ name, record })),
  );
  const sorted = requests.toSorted((one, other) => momentOf(one.record) - momentOf(other.record));
  return sorted.slice(Math.max(0, sorted.length - count));
}

function tableOf(
  requests: readonly Request[],
  namesLocks: boolean,
  now: number,
  paint: Paint,
): string[] {
  if (requests.length === 0) return [];
  const records = requests.map(({ name, record }) =>
    namesLocks ? Object.assign({}, record, { name }) : record,
  );
  return historyTable(records, columnsOf(stdout), now, paint);
}

/** A picture of a lock has room for so many lines at least, even if the pictures of several do not fit the window. */
const minPlotLines = 10;

/** A picture for each lock, an empty line between two. */
function plotsOf(
  requests: readonly Request[],
  look: { now: number; paint: Paint; isWhole: boolean },
): string[] {
  const names = [...new Set(requests.map(({ name }) => name))].toSorted(compareNaturally);
  const { columns, lines } = plotSize();
  const share = Math.floor(lines / names.length) - 1;
  const room = names.length < 2 ? lines : Math.max(minPlotLines, share);
  const plots = names.map((name) => {
    const records = requests.filter((one) => one.name === name).map(({ record }) => record);
    return historyPlot(name, records, { columns, lines: room }, look).join("\n");
  });
  return plots.length === 0 ? [] : plots.join("\n\n").split("\n");
}

function jsonOf({ name, record }: Request, now: number): object {
  const [waited, held] = [waitSecondsOf(record, now), holdSecondsOf(record, now)];
  return { name, ...record, waited, held };
}

function emptyText(name: string, records: History["records"]): string {
  const why = records === undefined ? "there is no such lock" : "it was never taken";
  return escapeControls(`${name}: no history; ${why}`);
}

/** All of the window but a line for the prompt that follows; for what is no terminal, any number of lines. */
function plotSize(): { columns: number; lines: number } {
  if (!isTerminal(stdout)) return { columns: plotColumns, lines: Infinity };
  const { columns, lines } = terminalSize(stdout);
  return { columns, lines: lines - 1 };
}
