/** `state`: tells whether a lock is locked, and its info text. */
import { defineCommand } from "citty";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { stateOfName } from "../status/existing.ts";
import { printResult } from "../terminal/output.ts";
import { statusLines } from "../status/status-text.ts";

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
    const state = stateOfName(args.name, output);
    if (args.check) return state.locked ? exitCodes.no : exitCodes.done;
    printResult(output, [state.text, ...statusLines(state.status)], state.json);
    return exitCodes.done;
  },
});
