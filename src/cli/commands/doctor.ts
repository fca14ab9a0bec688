/** `doctor`: checks this host and the locks on it, and says what each finding means. */
import { defineCommand } from "citty";
import { columnsOf } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { parseAge } from "../arguments/values.ts";
import { commonOptions, options } from "../arguments/options.ts";
import { painter } from "../terminal/colors.ts";
import { jsonLine } from "../terminal/escape.ts";
import { serverFindings } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { findingJson, findingLines, needsAttention, verdictLine } from "../doctor/finding.ts";
import { hostFindings } from "../doctor/host.ts";
import { compileHotCode } from "../jit.ts";
import { lockFindings } from "../doctor/locks.ts";
import { printLine } from "../terminal/output.ts";

const stdout = 1;

export default defineCommand({
  meta: {
    name: "doctor",
    group: "Tidy up",
    description: "Check this host and its locks, and say what to do",
    examples: [
      ["doctor", "check this host and its locks"],
      ["doctor -q || mail -s locks me", "for cron: only if there is something"],
    ],
    notes: [
      "Each finding is ok, a note (worth knowing), a warning (may go wrong) or a problem (goes wrong). The exit status is 1 if there is a warning or a problem. Nothing is changed.",
    ],
  },
  args: {
    "held-over": options["held-over"],
    "no-color": options["no-color"],
    server: { ...options.server, description: "also check these servers" },
    ...commonOptions,
    quiet: { ...options.quiet, description: "answer by the exit status alone" },
    verbose: { ...options.verbose, description: "say who may use each lock" },
  },
  async run({ args, data }) {
    compileHotCode();
    const { json, quiet, verbose } = outputOptions(args, data);
    const heldOver = args["held-over"];
    const heldOverSeconds = heldOver === undefined ? undefined : parseAge("--held-over", heldOver);
    const nowSeconds = Date.now() / 1000;
    const findings = [
      ...hostFindings(),
      ...lockFindings({ all: verbose, heldOverSeconds, nowSeconds }),
      ...(await serverFindings(args.server)),
    ];
    if (!quiet) {
      const paint = painter(stdout, args["no-color"] ?? false);
      const columns = columnsOf(stdout);
      const lines = findings.flatMap((finding) =>
        json ? jsonLine(findingJson(finding)) : findingLines(finding, columns, paint),
      );
      printLine([...lines, ...(json ? [] : [verdictLine(findings, paint)])].join("\n"));
    }
    return findings.some(needsAttention) ? exitCodes.no : exitCodes.done;
  },
});
