/** `history`: prints the last grants of a lock, as a table or as a picture. */
import { defineCommand } from "citty";
import { parseLockName } from "../../lock/name.ts";
import { isTerminal } from "../../posix/file.ts";
import { columnsOf, terminalSize } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options } from "../arguments/options.ts";
import { painter } from "../terminal/colors.ts";
import { escapeControls, jsonLine } from "../terminal/escape.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { historyPlot } from "../pictures/history-plot.ts";
import { historyTable, holdSecondsOf, waitSecondsOf } from "../pictures/history-table.ts";
import { printLine } from "../terminal/output.ts";

const stdout = 1;
/** The width of a picture that goes elsewhere than to a terminal. */
const plotColumns = 80;

export default defineCommand({
  meta: {
    name: "history",
    group: "See locks",
    description: "Print the last grants of a lock, and how they ended",
    examples: [
      ["history backup", "the last grants, and how they ended"],
      ["history backup --plot", "draw them"],
    ],
    conflicts: [["plot", "json"]],
  },
  args: {
    name: nameArgument,
    plot: options.plot,
    "no-color": options["no-color"],
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const name = parseLockName(args.name);
    await using engine = await openEngine({ server: args.server, output });
    const found = await engine.history(name);
    const records = found ?? [];
    if (output.quiet) return exitCodes.done;
    const now = Date.now() / 1000;
    if (output.json) {
      for (const record of records) {
        const [waited, held] = [waitSecondsOf(record, now), holdSecondsOf(record, now)];
        printLine(jsonLine({ name, ...record, waited, held }));
      }
      return exitCodes.done;
    }
    if (records.length === 0) {
      const why = found === undefined ? "there is no such lock on this host" : "it was never taken";
      printLine(escapeControls(`${name}: no history; ${why}`));
      return exitCodes.done;
    }
    const paint = painter(stdout, args["no-color"] ?? false);
    const columns = columnsOf(stdout);
    const lines = args.plot
      ? historyPlot(name, records, plotSize(), now, paint)
      : historyTable(records, columns, now, paint);
    printLine(lines.join("\n"));
    return exitCodes.done;
  },
});

/** All of the window but a line for the prompt that follows; for what is no terminal, any number of lines. */
function plotSize(): { columns: number; lines: number } {
  if (!isTerminal(stdout)) return { columns: plotColumns, lines: Infinity };
  const { columns, lines } = terminalSize(stdout);
  return { columns, lines: lines - 1 };
}
