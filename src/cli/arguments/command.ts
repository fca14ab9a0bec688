/** What a command's definition has beyond citty's, and how a command is found in the tree. */
import type { ArgsDef, CommandDef, CommandMeta } from "citty";

declare module "citty" {
  interface CommandMeta {
    /** The heading that it stands under in the help of the program. */
    group?: CommandGroup;
    /** Ends the first line of help: what it does unless told otherwise. */
    byDefault?: string;
    /** Command lines, without the program's name, each with what it does. */
    examples?: readonly (readonly [line: string, text: string])[];
    /** What follows the positionals, for help: another program's words, which are not read. */
    operands?: string;
    /** Whether words may follow the positionals that are not read; `args._` has them too. */
    takesRest?: boolean;
    /** Whether the last positional may be given several times; `args._` has all of them. */
    repeats?: boolean;
    /** Options of which only one may be given at a time. */
    conflicts?: readonly (readonly string[])[];
    /** What help says under the options. */
    notes?: readonly string[];
  }
}

/** In the order of help. */
export const commandGroups = ["Hold a lock", "See locks", "Tidy up", "Help"] as const;

type CommandGroup = (typeof commandGroups)[number];

/** The commands of the program that are about the locks that a NAME says. */
export const lockCommands = [
  "run",
  "get",
  "unget",
  "wait",
  "state",
  "trace",
  "history",
  "info",
  "remove",
] as const;

const otherCommands = ["session", "list", "doctor", "help", "version", "man", "complete"] as const;

/** A word that is a command of the program; root.ts has how each is loaded. */
export type CommandWord = (typeof lockCommands)[number] | (typeof otherCommands)[number];

/** Whether a word is a command of the program: a lock of that name is written with a slash before it. */
export function isCommandWord(word: string): boolean {
  const words: readonly string[] = [...lockCommands, ...otherCommands];
  return words.includes(word);
}

/** What a command is run with beside its arguments: citty's `data`. It is missing when citty itself runs the command. */
export interface CallData {
  /** The tree that the command is in. */
  readonly tree: CommandDef;
  /** Whether the words came as NAME COMMAND, the order of cjnfuncs.resourcelock. */
  readonly seedOrder: boolean;
  /** Tells where the value of an option stands in the command line. */
  valueAt(option: string): { word: number; offset: number } | undefined;
}

/** A command of the tree, loaded. */
export interface Command {
  readonly name: string;
  readonly meta: CommandMeta;
  readonly args: ArgsDef;
  /** @returns the exit status */
  run(call: { rawArgs: string[]; args: Arguments; data: CallData }): unknown;
}

/** What citty calls ParsedArgs, of a command that is not known; `_` has all words that are no options. */
export type Arguments = { _: string[] } & Record<string, string | boolean>;

/** The names of the commands of a tree, in its order. */
export async function commandNames(tree: CommandDef): Promise<string[]> {
  return Object.keys((await resolved(tree.subCommands)) ?? {});
}

/** Loads a command of a tree. @returns undefined if it has none of that name */
export async function loadCommand(tree: CommandDef, name: string): Promise<Command | undefined> {
  const subCommands = await resolved(tree.subCommands);
  const definition = await resolved(subCommands?.[name]);
  if (definition === undefined) return undefined;
  const { run } = definition;
  return {
    name,
    meta: (await resolved(definition.meta)) ?? {},
    args: (await resolved(definition.args)) ?? {},
    run: (call) => run?.({ ...call, cmd: definition }),
  };
}

/** Loads all commands of a tree. */
export async function allCommands(tree: CommandDef): Promise<Command[]> {
  const commands: Command[] = [];
  for (const name of await commandNames(tree)) {
    const command = await loadCommand(tree, name);
    if (command !== undefined) commands.push(command);
  }
  return commands;
}

/** citty lets each part of a definition be a value, a promise or a function. */
async function resolved<T extends object>(
  part: T | Promise<T> | (() => T) | (() => Promise<T>) | undefined,
): Promise<T | undefined> {
  return await (typeof part === "function" ? part() : part);
}
