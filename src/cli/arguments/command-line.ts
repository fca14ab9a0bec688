/** A whole command line: which command it names, and the words that are for it. */
import type { ArgDef, CommandDef } from "citty";
import { type Command, commandNames, loadCommand } from "./command.ts";
import { options } from "./options.ts";
import { isSeedCommand, isSeedOption } from "./seed.ts";
import { type OptionWord, WordReader } from "./words.ts";

/** A command line, read. */
export interface CommandLine {
  /** Undefined if no command is named. */
  readonly command: Command | undefined;
  /** Whether this is a call of cjnfuncs.resourcelock: one of its commands, after the lock's name. */
  readonly seedOrder: boolean;
  readonly options: readonly OptionWord[];
  /** The words that are no options, without the command's name. */
  readonly positionals: readonly string[];
  /** The words after them that are another program's, for a command that takes such. */
  readonly rest: readonly string[];
  /** Which word of the command line is the first of these, or would be; undefined for a command that takes none. */
  readonly restAt: number | undefined;
}

/**
 * Reads a command line: the command's name is the first word if it is one, else the second one. Which options take a value
 * is the same for each command, so the name can be told from a value.
 *
 * @throws {UsageError} for an option's value that is missing or not wanted
 */
export async function readCommandLine(
  words: readonly string[],
  tree: CommandDef,
): Promise<CommandLine> {
  const reader = new WordReader(words, options);
  const { name, before } = findCommand(reader, await commandNames(tree));
  const command = name === undefined ? undefined : await loadCommand(tree, name);
  if (command === undefined) {
    const positionals = [...before, ...reader.takeAll()];
    return lineOf({ command, seedOrder: false, positionals, reader });
  }
  const seedOrder = before.length > 0 && isSeedCommand(command.name);
  // In the seed's order each option is one of the command's, whatever it means to it.
  if (!seedOrder) reader.readFor(command.args);
  if (!takesRest(command)) {
    return lineOf({ command, seedOrder, positionals: [...before, ...reader.takeAll()], reader });
  }
  // Options end at the first word after the positionals that is none, as with nice, env, sudo and flock.
  const positionals = [...before];
  const wanted = positionalsOf(command).length;
  while (positionals.length < wanted) {
    const word = reader.take();
    if (word === undefined) break;
    positionals.push(word);
  }
  reader.peek();
  const { rest, restAt } = reader;
  return { ...lineOf({ command, seedOrder, positionals, reader }), rest, restAt };
}

/** Reads up to the command's name; the one word before it, or the two that are none, are given back. */
function findCommand(
  reader: WordReader,
  names: readonly string[],
): { name: string | undefined; before: string[] } {
  const before: string[] = [];
  while (before.length < 2) {
    // argparse, and so the Python tool, finds the command after a -- too.
    const word = reader.take() ?? (reader.endOptions() ? reader.take() : undefined);
    if (word === undefined) break;
    if (names.includes(word)) return { name: word, before };
    before.push(word);
  }
  return { name: undefined, before };
}

function lineOf({
  command,
  seedOrder,
  positionals,
  reader,
}: Pick<CommandLine, "command" | "seedOrder" | "positionals"> & {
  reader: WordReader;
}): CommandLine {
  const given = reader.options.filter(({ name }) => !(seedOrder && isIgnoredOption(name, command)));
  return { command, seedOrder, options: given, positionals, rest: [], restAt: undefined };
}

/**
 * The Python tool takes each of its options with each command, and ignores those that mean nothing to it. The `get` of a
 * session, which has no -a, does not ignore that: the lock would stay held.
 */
function isIgnoredOption(option: string | undefined, command: Command | undefined): boolean {
  if (option === "auto-unget" && command?.name === "get") return false;
  return (
    option !== undefined && isSeedOption(option) && !Object.hasOwn(command?.args ?? {}, option)
  );
}

function takesRest({ meta }: Command): boolean {
  return meta.takesRest ?? meta.operands !== undefined;
}

/** The positionals of a command, in their order. */
export function positionalsOf({ args }: Pick<Command, "args">): [name: string, ArgDef][] {
  return Object.entries(args).filter(([, { type }]) => type === "positional");
}
