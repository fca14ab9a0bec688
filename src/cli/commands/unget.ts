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
      ["unget deploy --owner-pid $$", "only if it is bound to this shell"],
      ["unget deploy -q || echo free", "the status is 1 if it was not held"],
    ],
    notes: [
      "If there is no such hold as --token or --owner-pid describes, nothing is done, and the exit status is 0: it is no longer held.",
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
    if (output.verbose) diagnostics().debug(`lock "${name}": no such hold; nothing was released`);
    if (output.json) printResult(output, "", { ...facts, released });
    return true;
  }
  printResult(output, textOf(name, outcome, wanted.by, output), { ...facts, released });
  return released;
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
