/** A whole command line: which command it names, and the words that are for it. */
import type { ArgDef, CommandDef } from "citty";
import { type Command, commandNames, loadCommand } from "./command.ts";
import { options } from "./options.ts";
import { type OptionWord, WordReader } from "./words.ts";

/** A command line, read. */
export interface CommandLine {
  /** Undefined if no command is named. */
  readonly command: Command | undefined;
  /** Whether the command's name came second: the order of cjnfuncs.resourcelock. */
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
 * is the same for every command, so the name can be told from a value.
 *
 * @throws {UsageError} for an option's value that is missing or not wanted
 */
export async function readCommandLine(
  words: readonly string[],
  tree: CommandDef,
): Promise<CommandLine> {
  const names = await commandNames(tree);
  const reader = new WordReader(words, options);
  const before: string[] = [];
  let name: string | undefined;
  for (let word = reader.take(); word !== undefined; word = reader.take()) {
    if (names.includes(word)) {
      name = word;
      break;
    }
    before.push(word);
    if (before.length === 2) break;
  }
  const command = name === undefined ? undefined : await loadCommand(tree, name);
  const seedOrder = before.length > 0;
  if (command === undefined || !takesRest(command)) {
    // No command is named after a --.
    const more = command === undefined ? reader.takeBeforeSeparator() : reader.takeAll();
    const positionals = [...before, ...more];
    return {
      command,
      seedOrder,
      options: reader.options,
      positionals,
      rest: [],
      restAt: undefined,
    };
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
  return { command, seedOrder, options: reader.options, positionals, rest, restAt };
}

function takesRest({ meta }: Command): boolean {
  return meta.takesRest ?? meta.operands !== undefined;
}

/** The positionals of a command, in their order. */
export function positionalsOf({ args }: Pick<Command, "args">): [name: string, ArgDef][] {
  return Object.entries(args).filter(([, { type }]) => type === "positional");
}
