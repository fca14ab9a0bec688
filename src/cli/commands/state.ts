/** `state`: tells whether a lock is locked, and its info text. */
import { commonOptions, nameArgument, options, outputOptions } from "../arguments/arguments.ts";
import { command } from "../arguments/command.ts";
import { exitCodes } from "../exit-code.ts";
import { stateOfName } from "../status/existing.ts";
import { printResult } from "../terminal/output.ts";
import { statusLines } from "../status/status-text.ts";

export default command({
  name: "state",
  description: "Print whether a lock is locked, and its info text",
  args: { name: nameArgument, check: options.check, ...commonOptions },
  run({ args }) {
    const output = outputOptions(args);
    const state = stateOfName(args.name, output);
    if (args.check) return state.locked ? exitCodes.no : exitCodes.done;
    printResult(output, [state.text, ...statusLines(state.status)], state.json);
    return exitCodes.done;
  },
});
