/** `unget`: releases a lock, whoever holds it. */
import { messages } from "../../lock/messages.ts";
import { commonOptions, nameArgument, options, outputOptions } from "../arguments/arguments.ts";
import { command } from "../arguments/command.ts";
import { exitCodes } from "../exit-code.ts";
import { openWhole } from "../status/existing.ts";
import { warnOfLivingHolders } from "../status/living-holders.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { printResult } from "../terminal/output.ts";

export default command({
  name: "unget",
  description: "Release a lock, whoever holds it",
  args: {
    name: nameArgument,
    message: {
      ...options.message,
      default: "cli",
      description: "who releases it, for the printed text",
    },
    ...commonOptions,
  },
  run({ args }) {
    const output = outputOptions(args);
    const { lock, missing } = openWhole(args.name, output);
    if (lock === undefined) {
      printResult(output, missing.text, { ...missing.json, released: false });
      return exitCodes.no;
    }
    const { lockName: name } = lock;
    const { holders } = lock.status();
    const released = lock.ungetLock({ force: true, whereCalled: args.message });
    const text = released
      ? messages.forceReleased(name, args.message)
      : messages.extraneous(name, args.message);
    if (released && !output.quiet) warnOfLivingHolders(holders);
    printResult(output, text, { ...lockFacts(lock), released });
    return released ? exitCodes.done : exitCodes.no;
  },
});
