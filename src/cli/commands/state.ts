/** `state`: tells whether a lock is locked, and its info text. */
import { defineCommand } from "citty";
import { parseLockName } from "../../lock/name.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { stateNow, stateWithLast } from "../status/existing.ts";
import { printResult } from "../terminal/output.ts";
import { textsFor } from "../status/result-text.ts";
import { claimedTokens } from "../waiting/around.ts";

export default defineCommand({
  meta: {
    name: "state",
    group: "See locks",
    description: "Print whether a lock is locked, and its info text",
    repeats: true,
    conflicts: [["check", "mine"], quietOrVerbose],
    examples: [
      ["state backup", "who holds it, and who waits"],
      ["state backup --json", "the same for a program"],
      ["state backup --check && ./go", "only if it is free"],
      ["state backup --mine", "whether this runs under it"],
    ],
  },
  args: {
    name: nameArgument,
    check: options.check,
    mine: options.mine,
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    await using engine = await openEngine({ server: args.server, output });
    let isYes = true;
    for (const name of args._.map(parseLockName)) {
      if (args.mine) {
        const around = await engine.holdAround(name, claimedTokens(name));
        isYes &&= around !== undefined;
      } else if (args.check) {
        isYes &&= (await engine.inspect(name))?.locked !== true;
      } else {
        const state = await (output.json ? stateNow(engine, name) : stateWithLast(engine, name));
        printResult(output, textsFor(output).state(state), state.json);
      }
    }
    return isYes ? exitCodes.done : exitCodes.no;
  },
});
