/** What can stand at the end of a command line, from the same tables that the command line is read by. */
import type { ArgDef, ArgsDef, CommandDef } from "citty";
import { allCommands, type Command, commandNames } from "../arguments/command.ts";
import { type CommandLine, positionalsOf, readCommandLine } from "../arguments/command-line.ts";
import { commandArgument, nameListArgument, options } from "../arguments/options.ts";
import { aliasesOf, UsageError } from "../arguments/words.ts";

/** A word that can stand there, and what it means; "" if that needs no explanation. */
export interface Candidate {
  word: string;
  description: string;
}

/** The words that can come, or from which word on the line is another program's. */
export type Completion = { candidates: readonly Candidate[] } | { programAt: number };

/** In place of the word to come: no word that is given can be the same. */
const cursor = "\0";

/**
 * What can stand at the end of a command line.
 *
 * @param words those before, without the program's; the last one is what there is of the word to come
 * @param lockNames gives the locks that there are
 */
export async function completionAt(
  words: readonly string[],
  tree: CommandDef,
  lockNames: () => readonly string[],
): Promise<Completion> {
  const [before, current] = [words.slice(0, -1), words.at(-1) ?? ""];
  const line = await readIfPossible([...before, cursor], tree);
  if (line === undefined) return { candidates: [] };
  const { restAt } = line;
  if (restAt !== undefined && line.rest.length > 0 && line.command?.meta.operands !== undefined) {
    // Without a -- before it, a word that begins with a dash is still an option of ours.
    const isOption = restAt === before.length && before.at(-1) !== "--" && current.startsWith("-");
    if (!isOption) return { programAt: restAt };
  }
  return { candidates: await candidatesAt({ line, before, current, tree, lockNames }) };
}

/** A command line that was read, with the cursor in it. */
interface Position {
  line: CommandLine;
  /** The words before the cursor's. */
  before: readonly string[];
  /** What there is of the cursor's. */
  current: string;
  tree: CommandDef;
  lockNames: () => readonly string[];
}

async function candidatesAt(position: Position): Promise<readonly Candidate[]> {
  const { line, before, current, tree, lockNames } = position;
  const awaiting = line.options.find(({ value }) => value === cursor);
  if (awaiting !== undefined) return choicesOf(awaiting.name);
  const isBeforeSeparator = !before.includes("--");
  if (isBeforeSeparator && current.startsWith("-")) return optionsAt(current, line);
  const { command } = line;
  if (command === undefined) {
    return isBeforeSeparator ? firstWords(position) : [];
  }
  const given = line.positionals.filter((word) => word !== cursor);
  const definition = positionalAt(given.length, command);
  if (definition === undefined) return [];
  const choices = choicesIn(definition);
  if (choices.length > 0) return plain(choices);
  const commands = await commandNames(tree);
  if (definition.valueHint === commandArgument.valueHint) return plain(commands);

  const isList = definition.valueHint === nameListArgument.valueHint;
  const listed = isList ? current.split(",").slice(0, -1) : [];
  const prefix = listed.map((name) => `${name},`).join("");
  const names = lockNames()
    .filter((name) => !given.includes(name) && !listed.includes(name))
    .map((name) => {
      const isMistaken = name.includes(",") || commands.includes(name);
      return isMistaken || (isBeforeSeparator && name.startsWith("-")) ? `/${name}` : name;
    })
    // A name with a slash stands alone.
    .filter((name) => listed.length === 0 || !name.startsWith("/"));
  return plain(names.map((name) => prefix + name));
}

async function readIfPossible(
  words: readonly string[],
  tree: CommandDef,
): Promise<CommandLine | undefined> {
  try {
    return await readCommandLine(words, tree);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Commands, and after a lock's name those that take one; locks too, once there is a letter of one. */
async function firstWords({ line, current, tree, lockNames }: Position): Promise<Candidate[]> {
  const { positionals } = line;
  if (positionals.length > 2) return [];
  const isFirst = positionals.length === 1;
  const commands = (await allCommands(tree)).filter(({ args }) => isFirst || "name" in args);
  const names = isFirst && current !== "" ? lockNames() : [];
  return [
    ...commands.map(({ name, meta }) => ({ word: name, description: meta.description ?? "" })),
    ...plain(names.filter((name) => !name.startsWith("-"))),
  ];
}

/** Options that were not given yet, by both names; after an `=` what they can be. */
function optionsAt(current: string, line: CommandLine): Candidate[] {
  const [head = ""] = current.split("=", 1);
  if (current.startsWith("--") && current !== head) {
    return choicesOf(head.slice(2)).map(({ word }) => ({
      word: `${head}=${word}`,
      description: "",
    }));
  }
  const args: ArgsDef = line.command?.args ?? { help: options.help, version: options.version };
  return Object.entries(args)
    .filter(([, { type, description }]) => type !== "positional" && description !== undefined)
    .filter(([name]) => !line.options.some((option) => option.name === name))
    .flatMap(([name, definition]) => {
      const { description = "" } = definition;
      const [letter] = aliasesOf(definition);
      const long = { word: `--${name}`, description };
      return letter === undefined ? [long] : [long, { word: `-${letter}`, description }];
    });
}

function positionalAt(index: number, command: Command): ArgDef | undefined {
  const positionals = positionalsOf(command).map(([, definition]) => definition);
  return positionals[index] ?? (command.meta.repeats ? positionals.at(-1) : undefined);
}

/** What the value of an option can be, where it is one of a few words. */
function choicesOf(name: string | undefined): Candidate[] {
  const [, definition] = Object.entries(options).find(([known]) => known === name) ?? [];
  return definition === undefined ? [] : plain(choicesIn(definition));
}

/** The words of a hint such as `bash|zsh|fish`. */
function choicesIn({ valueHint = "" }: ArgDef): string[] {
  return valueHint.includes("|") ? valueHint.split("|") : [];
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, description: "" }));
}
