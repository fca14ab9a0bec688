/** `doctor`: checks this host and the locks on it, and says what each finding means. */
import { columnsOf } from "../posix/terminal.ts";
import { commonOptions, options, outputOptions } from "./arguments.ts";
import { painter } from "./colors.ts";
import { command } from "./command.ts";
import { jsonLine } from "./escape.ts";
import { exitCodes } from "./exit-code.ts";
import { findingJson, findingLines, needsAttention } from "./finding.ts";
import { hostFindings } from "./host-findings.ts";
import { compileHotCode } from "./hot-code.ts";
import { lockFindings } from "./lock-findings.ts";
import { printLine } from "./output.ts";

const stdout = 1;

export default command({
  name: "doctor",
  description: "Check this host and its locks, and say what to do",
  args: {
    "no-color": options["no-color"],
    ...commonOptions,
    quiet: { ...options.quiet, description: "answer by the exit status alone" },
    verbose: { ...options.verbose, description: "tell of each lock who may use it" },
  },
  notes: [
    "Each finding is ok, a note (worth knowing), a warning (may go wrong) or a problem (goes wrong). The exit status is 1 where there is a warning or a problem. Nothing is changed.",
  ],
  run({ args }) {
    compileHotCode();
    const { json, quiet, verbose } = outputOptions(args);
    const findings = [...hostFindings(), ...lockFindings(verbose)];
    if (!quiet) {
      const paint = painter(stdout, args["no-color"] ?? false);
      const columns = columnsOf(stdout);
      const lines = findings.flatMap((finding) =>
        json ? jsonLine(findingJson(finding)) : findingLines(finding, columns, paint),
      );
      printLine(lines.join("\n"));
    }
    return findings.some(needsAttention) ? exitCodes.no : exitCodes.done;
  },
});
