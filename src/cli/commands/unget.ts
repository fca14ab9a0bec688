/** `unget`: releases a lock, whoever holds it. */
import { defineCommand } from "citty";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { openWhole } from "../status/existing.ts";
import { warnOfLivingHolders } from "../status/living-holders.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { textsFor } from "../status/result-text.ts";
import { printResult } from "../terminal/output.ts";

export default defineCommand({
  meta: {
    name: "unget",
    group: "Hold a lock",
    description: "Release a lock, whoever holds it",
    conflicts: [quietOrVerbose],
    examples: [
      ["unget deploy", "release it"],
      ["unget deploy -q || echo free", "the status is 1 if it was not locked"],
    ],
  },
  args: {
    name: nameArgument,
    message: {
      ...options.message,
      default: "cli",
      description: "who releases it, for the printed text",
    },
    ...commonOptions,
  },
  run({ args, data }) {
    const output = outputOptions(args, data);
    const texts = textsFor(output);
    const { lock, missing } = openWhole(args.name, output);
    if (lock === undefined) {
      printResult(output, missing.text, { ...missing.json, released: false });
      return exitCodes.no;
    }
    const { lockName: name } = lock;
    const { holders } = lock.status();
    const released = lock.ungetLock({ force: true, whereCalled: args.message });
    const text = released
      ? texts.forceReleased(name, args.message)
      : texts.notLocked(name, args.message);
    if (released && !output.quiet) warnOfLivingHolders(name, holders);
    printResult(output, text, { ...lockFacts(lock), released });
    return released ? exitCodes.done : exitCodes.no;
  },
});
