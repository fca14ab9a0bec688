/** `help`: the help of the program, or of a command. */
import { defineCommand } from "citty";
import { type CallData, commandNames, loadCommand } from "../arguments/command.ts";
import { commandHint } from "../arguments/hints.ts";
import { commandArgument, options } from "../arguments/options.ts";
import { helpOf } from "../arguments/usage.ts";
import { UsageError } from "../arguments/words.ts";
import { exitCodes } from "../exit-code.ts";
import { printLine } from "../terminal/output.ts";

export default defineCommand({
  meta: {
    name: "help",
    group: "Help",
    description: "Show this help, or that of a command",
    examples: [
      ["help", "the commands at a glance"],
      ["help run", "the options of run, with examples"],
      ["--help", "everything: commands, exit statuses, notes"],
    ],
  },
  args: {
    command: commandArgument,
    help: options.help,
  },
  async run({ args, data }) {
    const given: CallData | undefined = data;
    if (given === undefined) throw new UsageError("help needs the tree of commands");
    const { tree } = given;
    const command = args.command === undefined ? undefined : await loadCommand(tree, args.command);
    if (args.command !== undefined && command === undefined) {
      const hint = commandHint(args.command, await commandNames(tree));
      throw new UsageError(`unknown command ${JSON.stringify(args.command)}${hint}`);
    }
    printLine(await helpOf(command, tree, { isLong: false }));
    return exitCodes.done;
  },
});
