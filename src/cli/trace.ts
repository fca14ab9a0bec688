/** `trace`: prints the state of a lock again and again. */
import { commonOptions, nameArgument, options, outputOptions } from "./arguments.ts";
import { command } from "./command.ts";
import { parseDuration } from "./duration.ts";
import { exitCodes } from "./exit-code.ts";
import { stateOf } from "./existing.ts";
import { printResult } from "./output.ts";
import { SignalTrap } from "./signals.ts";
import { UsageError } from "./usage-error.ts";

const shortestUpdateSeconds = 0.001;

export default command({
  name: "trace",
  description: "Print the state of a lock again and again, until ^C",
  args: { name: nameArgument, update: options.update, ...commonOptions },
  async run({ args }) {
    const output = outputOptions(args);
    const updateSeconds = parseDuration("--update", args.update);
    if (updateSeconds < shortestUpdateSeconds) {
      throw new UsageError(`--update: ${JSON.stringify(args.update)} is shorter than 1ms`);
    }
    const trap = new SignalTrap(["SIGINT"]);
    while (trap.received === undefined) {
      // Opened anew each time: the lock may be made, or made anew, while we look.
      const { text, json } = stateOf(args.name, output);
      printResult(output, text, { time: new Date().toISOString(), ...json });
      await trap.sleep(updateSeconds);
    }
    return exitCodes.done;
  },
});
