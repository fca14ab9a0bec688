/** `doctor`: checks this host and the locks on it, and says what each finding means. */
import { defineCommand } from "citty";
import { columnsOf } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { parseAge } from "../arguments/values.ts";
import { commonOptions, options } from "../arguments/options.ts";
import { painter } from "../terminal/colors.ts";
import { jsonLine } from "../terminal/escape.ts";
import { openEngine, serverFindings } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import {
  type Finding,
  findingJson,
  findingLines,
  needsAttention,
  verdictLine,
} from "../doctor/finding.ts";
import { hostFindings } from "../doctor/host.ts";
import { compileHotCode } from "../jit.ts";
import { lockFindings, type LockFindingsOptions, serverLockFindings } from "../doctor/locks.ts";
import { type OutputOptions, printLine } from "../terminal/output.ts";

const stdout = 1;

export default defineCommand({
  meta: {
    name: "doctor",
    group: "Tidy up",
    description: "Check this host and its locks, and say what to do",
    examples: [
      ["doctor", "check this host and its locks"],
      ["doctor -q", "for cron, which mails what it prints"],
    ],
    notes: [
      "Each finding is ok, a note (worth knowing), a warning (may go wrong) or a problem (goes wrong). The exit status is 1 if there is a warning or a problem. Nothing is changed.",
    ],
  },
  args: {
    "held-over": options["held-over"],
    "no-color": options["no-color"],
    server: { ...options.server, description: "also check these servers and their locks" },
    ...commonOptions,
    quiet: { ...options.quiet, description: "print warnings and problems only" },
    verbose: { ...options.verbose, description: "say who may use each lock" },
  },
  async run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const { json, quiet, verbose } = output;
    const heldOver = args["held-over"];
    const heldOverSeconds = heldOver === undefined ? undefined : parseAge("--held-over", heldOver);
    const nowSeconds = Date.now() / 1000;
    const looks = { all: verbose, heldOverSeconds, nowSeconds };
    const findings = [
      ...hostFindings(),
      ...lockFindings(looks),
      ...(await findingsOnServer(args.server, output, looks)),
    ];
    const paint = painter(stdout, args["no-color"] ?? false);
    const columns = columnsOf(stdout);
    const lines = findings
      .filter((finding) => !quiet || needsAttention(finding))
      .flatMap((finding) =>
        json ? jsonLine(findingJson(finding)) : findingLines(finding, columns, paint),
      );
    if (!json && !quiet) lines.push(verdictLine(findings, paint));
    if (lines.length > 0) printLine(lines.join("\n"));
    return findings.some(needsAttention) ? exitCodes.no : exitCodes.done;
  },
});

/** What there is to tell about the servers that are meant, and about the locks on them. */
async function findingsOnServer(
  server: string | undefined,
  output: OutputOptions,
  looks: LockFindingsOptions,
): Promise<Finding[]> {
  const found: readonly Finding[] = await serverFindings(server);
  // Why they cannot be listed is told already.
  const mayList = found.some(({ check, verdict }) => check === "server rights" && verdict === "ok");
  if (!mayList) return [...found];
  await using engine = await openEngine({ server, output });
  const locks = await engine.list();
  const circles = await engine.deadlocks();
  return [...found, ...serverLockFindings(locks, circles, { ...looks, server })];
}
