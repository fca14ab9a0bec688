/** `state`: tells whether a lock is locked, and its info text. */
import { defineCommand } from "citty";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { stateOfName } from "../status/existing.ts";
import { printResult } from "../terminal/output.ts";
import { textsFor } from "../status/result-text.ts";

export default defineCommand({
  meta: {
    name: "state",
    group: "See locks",
    description: "Print whether a lock is locked, and its info text",
    conflicts: [quietOrVerbose],
    examples: [
      ["state backup", "who holds it, and who waits"],
      ["state backup --json", "the same for a program"],
      ["state backup --check && ./go", "only if it is free"],
    ],
  },
  args: { name: nameArgument, check: options.check, ...commonOptions },
  run({ args, data }) {
    const output = outputOptions(args, data);
    const state = stateOfName(args.name, output, { withLast: !output.json && !args.check });
    if (args.check) return state.locked ? exitCodes.no : exitCodes.done;
    printResult(output, textsFor(output).state(state), state.json);
    return exitCodes.done;
  },
});
