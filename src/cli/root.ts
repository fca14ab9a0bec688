/** The command tree: from the words of a command line to an exit status. */
import { version } from "../../package.json";
import { type SignalName, signalNumbers } from "../posix/process.ts";
import {
  options,
  parsedArguments,
  splitWords,
  suggestion,
  type Words,
} from "./arguments/arguments.ts";
import type { Command } from "./arguments/command.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import { diagnostics, printLine } from "./terminal/output.ts";
import { Interrupted } from "./waiting/signals.ts";
import { UsageError } from "./arguments/usage-error.ts";

/** The commands, loaded when one is used; without a prototype, so that `toString` is none of them. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = Object.assign(
  Object.create(null),
  {
    run: async () => (await import("./commands/run.ts")).default,
    get: async () => (await import("./commands/get.ts")).default,
    unget: async () => (await import("./commands/unget.ts")).default,
    state: async () => (await import("./commands/state.ts")).default,
    trace: async () => (await import("./commands/trace.ts")).default,
    history: async () => (await import("./commands/history.ts")).default,
    list: async () => (await import("./commands/list.ts")).default,
    remove: async () => (await import("./commands/remove.ts")).default,
    wait: async () => (await import("./commands/wait.ts")).default,
    info: async () => (await import("./commands/info.ts")).default,
    doctor: async () => (await import("./commands/doctor.ts")).default,
    complete: async () => (await import("./commands/complete.ts")).default,
    man: async () => (await import("./commands/man.ts")).default,
  },
);

/** How the process is to end. */
export type Ending = { status: number } | { signal: SignalName };

/** Runs a command line. Whatever happens, it ends in a status and, if need be, a line on stderr. */
export async function main(argv: readonly string[]): Promise<Ending> {
  try {
    return { status: await dispatch(argv) };
  } catch (error) {
    if (error instanceof Interrupted) return { signal: error.signal };
    report(
      error,
      argv.find((word) => word in commands),
    );
    return { status: exitCodeOf(error) };
  }
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
    const command = commandName === undefined ? "" : ` ${commandName}`;
    diagnostics().error(`try resourcelock${command} --help`);
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const end = argv.indexOf("--");
  const before = end === -1 ? argv : argv.slice(0, end);
  // Which options take a value is the same for every command, so the command word can be told from a value.
  const words = splitWords(before, options);
  const has = (name: string) => words.options.some((option) => option.name === name);
  if (has("version")) {
    printLine(`resourcelock ${version}`);
    return exitCodes.done;
  }
  const found = findCommand(words);
  if (has("help")) {
    const { usage } = await import("./arguments/usage.ts");
    printLine(await usage(found?.name));
    return exitCodes.done;
  }
  if (found === undefined) throw noCommand(words);
  const { load, positionals } = found;
  const { run, args, operands, takesRest, repeats } = await load();
  const rest = end === -1 ? undefined : argv.slice(end + 1);
  if (rest !== undefined && !takesRest) positionals.push(...rest);
  const given = { options: words.options, positionals };
  return await run({ args: parsedArguments(given, args, { operands, repeats }), data: rest });
}

interface Found {
  name: string;
  load: () => Promise<Command>;
  /** The words that are left for the command. */
  positionals: string[];
}

/** The first word where it is a command; else the second one: the order of cjnfuncs.resourcelock. */
export function findCommand({ positionals }: Words): Found | undefined {
  for (const index of [0, 1]) {
    const name = positionals[index];
    const load = name === undefined ? undefined : commands[name];
    if (name !== undefined && load !== undefined) {
      return { name, load, positionals: positionals.toSpliced(index, 1) };
    }
  }
  return undefined;
}

function noCommand({ options: given, positionals }: Words): UsageError {
  const unknown = given.find(({ name }) => name === undefined);
  const names = Object.keys(commands);
  if (unknown !== undefined) {
    const long = Object.keys(options).map((name) => `--${name}`);
    return new UsageError(`unknown option ${unknown.shown}${suggestion(unknown.shown, long)}`);
  }
  const [first, second] = positionals;
  if (first === undefined)
    return new UsageError(`a command is missing: one of ${names.join(", ")}`);
  const hint = suggestion(first, names);
  if (second === undefined && hint === "") {
    return new UsageError(
      `${JSON.stringify(first)} is not a command, and as a lock's name it needs one: ${names.join(", ")}`,
    );
  }
  const word = hint === "" && second !== undefined ? second : first;
  return new UsageError(`unknown command ${JSON.stringify(word)}${suggestion(word, names)}`);
}

/** The number of a signal, for the shell's 128 + N. */
export function statusOfSignal(signal: SignalName): number {
  return exitCodes.killedBySignal + signalNumbers[signal];
}
