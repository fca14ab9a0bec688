/** `state`: tells who holds a lock and who waits for it. */
import { defineCommand } from "citty";
import type { Circle } from "../../lock/circle.ts";
import { columnsOf } from "../../posix/terminal.ts";
import { parseLockName } from "../../lock/name.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { withEachLock } from "../status/each-lock.ts";
import { deadlocksOfLock } from "../status/deadlock-text.ts";
import { stateNow, stateWithLast } from "../status/existing.ts";
import { claimsOf } from "../status/hold-around.ts";
import { painter, wantsColor } from "../terminal/colors.ts";
import { printLine, printResult } from "../terminal/output.ts";
import { textsFor } from "../status/result-text.ts";

const stdout = 1;

export default defineCommand({
  meta: {
    name: "state",
    group: "See locks",
    description: "Show who holds a lock, and who waits for it",
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
    "no-color": options["no-color"],
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    await using engine = await openEngine({ server: args.server, output });
    let circles: Promise<Circle[]> | undefined;
    return await withEachLock(args._.map(parseLockName), async (name) => {
      if (args.mine) {
        const around = await engine.holdAround(name, claimsOf(name));
        return around === undefined ? exitCodes.no : exitCodes.done;
      }
      if (args.check) {
        const isLocked = (await engine.inspect(name))?.locked === true;
        return isLocked ? exitCodes.no : exitCodes.done;
      }
      const state = await (output.json ? stateNow(engine, name) : stateWithLast(engine, name));
      const asks = state.status.waiters.length > 0 && !output.quiet;
      const deadlocks = asks ? deadlocksOfLock(await (circles ??= engine.deadlocks()), name) : [];
      const lines = [...textsFor(output).state({ ...state, server: args.server })];
      lines.push(...deadlocks.map((text) => `  deadlock: ${text}`));
      const isPlain = output.seedOrder || output.json || output.quiet;
      const noColor = args["no-color"] ?? false;
      if (isPlain || !wantsColor(stdout, noColor)) {
        printResult(
          output,
          lines,
          deadlocks.length === 0 ? state.json : { ...state.json, deadlocks },
        );
      } else {
        // Most callers are scripts, which do not pay for what paints.
        const { stateScreen } = await import("../pictures/state-screen.ts");
        const look = { paint: painter(stdout, noColor), columns: columnsOf(stdout) };
        printLine(stateScreen(lines, state, look).join("\n"));
      }
      return exitCodes.done;
    });
  },
});
