/** The command tree, and the way from the words of a command line to an exit status. */
import { type CommandDef, defineCommand } from "citty";
import { description, version } from "../../package.json";
import { type SignalName, signalNumbers } from "../posix/process.ts";
import { parsedArguments } from "./arguments/arguments.ts";
import type { CommandWord } from "./arguments/command.ts";
import { type CommandLine, readCommandLine } from "./arguments/command-line.ts";
import { noCommand, twoCommands } from "./arguments/hints.ts";
import { type OptionWord, UsageError } from "./arguments/words.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import {
  OutputError,
  diagnostics,
  printLine,
  printToStderr,
  reasonOfEnd,
} from "./terminal/output.ts";
import { Interrupted, turn } from "./waiting/signals.ts";

/** `any` as in citty's SubCommandsDef: commands differ in their arguments. */
type LoadCommand = () => Promise<CommandDef<any>>;

/** Each is loaded when it is used. Without a prototype, so that `toString` is none of them. */
const subCommands: Record<string, LoadCommand> = Object.assign(Object.create(null), {
  run: async () => (await import("./commands/run.ts")).default,
  get: async () => (await import("./commands/get.ts")).default,
  unget: async () => (await import("./commands/unget.ts")).default,
  wait: async () => (await import("./commands/wait.ts")).default,
  session: async () => (await import("./commands/session.ts")).default,
  state: async () => (await import("./commands/state.ts")).default,
  list: async () => (await import("./commands/list.ts")).default,
  trace: async () => (await import("./commands/trace.ts")).default,
  history: async () => (await import("./commands/history.ts")).default,
  info: async () => (await import("./commands/info.ts")).default,
  remove: async () => (await import("./commands/remove.ts")).default,
  doctor: async () => (await import("./commands/doctor.ts")).default,
  help: async () => (await import("./commands/help.ts")).default,
  version: async () => (await import("./commands/version.ts")).default,
  man: async () => (await import("./commands/man.ts")).default,
  complete: async () => (await import("./commands/complete.ts")).default,
} satisfies Record<CommandWord, LoadCommand>);

/** The program. Commands that need the tree get it from their caller, so that nothing imports this file but main.ts. */
export const root = defineCommand({
  meta: { name: "resourcelock", version, description },
  subCommands,
});

/** As keeperCommand of engine.ts, which is not loaded for it. */
const keeperWord = "__keeper";

/** How the process is to end. */
export type Ending = { status: number } | { signal: SignalName };

/** Runs a command line. Whatever happens, it ends in a status and, if need be, a line on stderr. */
export async function main(argv: readonly string[]): Promise<Ending> {
  try {
    if (argv[0] === keeperWord) {
      await (await import("./engine.ts")).runServerKeeper();
      return { status: exitCodes.done };
    }
    return { status: await dispatch(argv) };
  } catch (error) {
    const ended = error instanceof OutputError && error.isInterrupted ? await whyEnded() : error;
    if (ended instanceof Interrupted) return { signal: ended.signal };
    // As every filter ends whose reader has gone; Bun ignores the signal itself.
    if (error instanceof OutputError && error.isForWantOfReader) return { signal: "SIGPIPE" };
    report(
      error,
      argv.find((word) => word in subCommands),
    );
    return { status: exitCodeOf(error) };
  }
}

/** Why a write has ended: what the trap of the command got is known after a turn. */
async function whyEnded(): Promise<unknown> {
  await turn();
  return reasonOfEnd();
}

function report(error: unknown, commandName: string | undefined): void {
  const status = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (status === exitCodes.internal) {
    diagnostics().error(`internal error, please report it: ${message}`);
  } else {
    diagnostics().error(message);
  }
  if (error instanceof UsageError) {
    diagnostics().error(`try ${helpCallOf(commandName)}`);
  }
}

/** What shows the help that an error points to; that of `help` itself lists no commands. */
function helpCallOf(commandName: string | undefined): string {
  if (commandName === undefined) return "resourcelock --help";
  return commandName === "help" ? "resourcelock help" : `resourcelock ${commandName} --help`;
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const line = await readCommandLine(argv, root);
  const { command, seedOrder } = line;
  if (findOption(line, "version") !== undefined) {
    printLine(`resourcelock ${version}`);
    return exitCodes.done;
  }
  const help = findOption(line, "help");
  if (help !== undefined || argv.length === 0) {
    const { helpOf } = await import("./arguments/usage.ts");
    const text = await helpOf(command, root, { isLong: help?.shown === "--help" });
    if (help === undefined) printToStderr(`${text}\n`);
    else printLine(text);
    return help === undefined ? exitCodes.usage : exitCodes.done;
  }
  const names = Object.keys(subCommands);
  if (command === undefined) throw noCommand(line, names);
  const mixUp = twoCommands(line, names);
  if (mixUp !== undefined) throw mixUp;
  const status = await command.run({
    rawArgs: [...argv],
    args: parsedArguments(line, command.args, command.meta),
    data: {
      tree: root,
      seedOrder,
      valueAt: (name) => line.options.findLast((option) => option.name === name)?.valueAt,
    },
  });
  return typeof status === "number" ? status : exitCodes.done;
}

function findOption({ options }: CommandLine, name: string): OptionWord | undefined {
  return options.find((option) => option.name === name);
}

/** The number of a signal, for the shell's 128 + N. */
export function statusOfSignal(signal: SignalName): number {
  return exitCodes.killedBySignal + signalNumbers[signal];
}
