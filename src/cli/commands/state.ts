/** `state`: tells whether a lock is locked, and its info text. */
import { defineCommand } from "citty";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { stateOfName } from "../status/existing.ts";
import { printResult } from "../terminal/output.ts";
import { statusLines } from "../status/status-text.ts";

export default defineCommand({
  meta: { name: "state", description: "Print whether a lock is locked, and its info text" },
  args: { name: nameArgument, check: options.check, ...commonOptions },
  run({ args, data }) {
    const output = outputOptions(args, data);
    const state = stateOfName(args.name, output);
    if (args.check) return state.locked ? exitCodes.no : exitCodes.done;
    printResult(output, [state.text, ...statusLines(state.status)], state.json);
    return exitCodes.done;
  },
});
