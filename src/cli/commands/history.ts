/** `history`: prints the last grants of a lock, as a table or as a picture. */
import { defineCommand } from "citty";
import { columnsOf } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options } from "../arguments/options.ts";
import { painter } from "../terminal/colors.ts";
import { escapeControls, jsonLine } from "../terminal/escape.ts";
import { openExisting } from "../status/existing.ts";
import { exitCodes } from "../exit-code.ts";
import { historyPlot } from "../pictures/history-plot.ts";
import { heldSeconds, historyTable, waitedSeconds } from "../pictures/history-table.ts";
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
    ...commonOptions,
  },
  run({ args, data }) {
    const output = outputOptions(args, data);
    const { lock, missing } = openExisting(args.name, output);
    const records = lock?.history() ?? [];
    const name = lock?.lockName ?? args.name;
    lock?.close();
    if (output.quiet) return exitCodes.done;
    const now = Date.now() / 1000;
    if (output.json) {
      for (const record of records) {
        const [waited, held] = [waitedSeconds(record, now), heldSeconds(record, now)];
        printLine(jsonLine({ name, ...record, waited, held }));
      }
      return exitCodes.done;
    }
    const paint = painter(stdout, args["no-color"] ?? false);
    const columns = columnsOf(stdout);
    if (missing !== undefined) printLine(escapeControls(missing.text));
    else if (records.length === 0) printLine(escapeControls(`<${name}> has no history yet`));
    else if (args.plot) {
      const width = columns === Infinity ? plotColumns : columns;
      printLine(historyPlot(name, records, width, now, paint).join("\n"));
    } else printLine(historyTable(records, columns, now, paint).join("\n"));
    return exitCodes.done;
  },
});
