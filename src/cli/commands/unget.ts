/** `unget`: releases a lock, whoever holds it. */
import { defineCommand } from "citty";
import type { ForcedRelease, ForceReleaseOptions, LockEngine } from "../../lock/engine.ts";
import { parseLockName } from "../../lock/name.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { parsePid, parseToken } from "../arguments/values.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { withEachLock } from "../status/each-lock.ts";
import { warnOfLivingHolders } from "../status/living-holders.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { textsFor } from "../status/result-text.ts";
import { diagnostics, type OutputOptions, printResult } from "../terminal/output.ts";

export default defineCommand({
  meta: {
    name: "unget",
    group: "Hold a lock",
    description: "Release a lock, whoever holds it",
    repeats: true,
    conflicts: [quietOrVerbose],
    examples: [
      ["unget deploy", "release it"],
      ["unget deploy --owner-pid $$", "in a script: only the script's own hold"],
      ["unget deploy -q || echo free", "the status is 1 if it was not held"],
    ],
    notes: [
      "If there is no hold with this --token or --owner-pid, unget releases nothing and says so. The exit status is 0 all the same, because that hold is over.",
    ],
  },
  args: {
    name: nameArgument,
    message: {
      ...options.message,
      default: "cli",
      description: "who releases it: for -v and, with --server, for the holder",
    },
    token: options.token,
    "owner-pid": {
      ...options["owner-pid"],
      description: "only a hold that is bound to this process, or is its own; otherwise do nothing",
    },
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const owner = args["owner-pid"];
    const wanted = {
      by: args.message,
      onlyToken: args.token === undefined ? undefined : parseToken("--token", args.token),
      onlyOwnerPid: owner === undefined ? undefined : parsePid("--owner-pid", owner),
    };
    await using engine = await openEngine({ output, server: args.server, resultOf: "ungetLock" });
    return await withEachLock(args._.map(parseLockName), async (name) => {
      const isDone = await unget(engine, name, wanted, output);
      return isDone ? exitCodes.done : exitCodes.no;
    });
  },
});

/** @returns whether what was to be released is not held any more */
async function unget(
  engine: LockEngine,
  name: string,
  wanted: ForceReleaseOptions,
  output: OutputOptions,
): Promise<boolean> {
  const { outcome, holders } = await engine.forceRelease(name, wanted);
  const released = outcome === "released";
  if (released && !output.quiet) warnOfLivingHolders(name, holders);
  const facts = output.json ? lockFacts(name, await engine.inspect(name)) : {};
  const isLimited = wanted.onlyToken !== undefined || wanted.onlyOwnerPid !== undefined;
  if (isLimited && !released) {
    const text = noSuchHoldText(name, wanted);
    // The Python tool has no such options, and so no text for this.
    if (output.seedOrder && output.verbose) diagnostics().debug(text);
    if (output.json || !output.seedOrder) printResult(output, text, { ...facts, released });
    return true;
  }
  printResult(output, textOf(name, outcome, wanted.by, output), { ...facts, released });
  return released;
}

/** As in `disk: not released; pid 22114 does not hold it`. */
function noSuchHoldText(name: string, { onlyToken, onlyOwnerPid }: ForceReleaseOptions): string {
  const holder =
    onlyOwnerPid === undefined ? "nobody holds it" : `pid ${onlyOwnerPid} does not hold it`;
  return `${name}: not released; ${holder}${onlyToken === undefined ? "" : ` with token ${onlyToken}`}`;
}

function textOf(
  name: string,
  outcome: ForcedRelease["outcome"],
  by: string,
  output: OutputOptions,
): string {
  if (outcome === "missing") return `${name}: there is no such lock`;
  const texts = textsFor(output);
  return outcome === "released" ? texts.forceReleased(name, by) : texts.notLocked(name, by);
}
