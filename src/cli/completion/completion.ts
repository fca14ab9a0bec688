/** What can stand at the end of a command line, from the same tables that the command line is read by. */
import type { ArgDef, ArgsDef } from "citty";
import { nameListArgument, options, splitWords, type Words } from "../arguments/arguments.ts";
import type { Command } from "../arguments/command.ts";
import { commands, findCommand } from "../root.ts";
import { UsageError } from "../arguments/usage-error.ts";

/** A word that can stand there, and what it means; "" where that needs no telling. */
export interface Candidate {
  word: string;
  description: string;
}

/** In place of the word to come: no word that is given can be the same. */
const cursor = "\0";

/**
 * The words that can stand at the end of a command line.
 *
 * @param words those before, without the program's; the last one is what there is of the word to come
 * @param lockNames gives the locks that there are
 * @returns undefined behind the `--` of a command that runs others: there any program's words can stand
 */
export async function candidatesAt(
  words: readonly string[],
  lockNames: () => readonly string[],
): Promise<readonly Candidate[] | undefined> {
  const [before, current] = [words.slice(0, -1), words.at(-1) ?? ""];
  const end = before.indexOf("--");
  const behind = end === -1 ? [] : [...before.slice(end + 1), cursor];
  const split = splitIfPossible(end === -1 ? [...before, cursor] : before.slice(0, end));
  if (split === undefined) return [];

  const awaiting = split.options.find(({ value }) => value === cursor);
  if (awaiting !== undefined) return choicesOf(awaiting.name);

  const found = findCommand(split);
  const command = await found?.load();
  if (end === -1 && current.startsWith("-")) return optionsAt(current, split, command);
  if (found === undefined || command === undefined) {
    return end === -1 ? firstWords(current, split, lockNames) : [];
  }
  if (end !== -1 && command.operands !== undefined) return undefined;

  const given = [...found.positionals, ...behind].slice(0, -1);
  const definition = positionalAt(given.length, command);
  if (definition === undefined) return [];
  const choices = choicesIn(definition);
  if (choices.length > 0) return plain(choices);

  const isList = definition.valueHint === nameListArgument.valueHint;
  const listed = isList ? current.split(",").slice(0, -1) : [];
  const prefix = listed.map((name) => `${name},`).join("");
  const names = lockNames()
    .filter((name) => !given.includes(name) && !listed.includes(name))
    .filter((name) => !(isList && name.includes(",")) && !(end === -1 && name.startsWith("-")));
  return plain(names.map((name) => prefix + name));
}

function splitIfPossible(words: readonly string[]): Words | undefined {
  try {
    return splitWords(words, options);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Commands, and behind a lock's name those that take one; locks too, once there is a letter of one. */
async function firstWords(
  current: string,
  { positionals }: Words,
  lockNames: () => readonly string[],
): Promise<Candidate[]> {
  if (positionals.length > 2) return [];
  const isFirst = positionals.length === 1;
  const candidates: Candidate[] = [];
  for (const [word, load] of Object.entries(commands)) {
    const { description, args } = await load();
    if (isFirst || "name" in args) candidates.push({ word, description });
  }
  const names = isFirst && current !== "" ? lockNames() : [];
  return [...candidates, ...plain(names.filter((name) => !name.startsWith("-")))];
}

/** Options that were not given yet, by both names; behind an `=` what they can be. */
function optionsAt(current: string, split: Words, command: Command | undefined): Candidate[] {
  const [head = ""] = current.split("=", 1);
  if (current.startsWith("--") && current !== head) {
    return choicesOf(head.slice(2)).map(({ word }) => ({
      word: `${head}=${word}`,
      description: "",
    }));
  }
  const args: ArgsDef = command?.args ?? { help: options.help, version: options.version };
  return Object.entries(args)
    .filter(
      ([name, { type }]) =>
        type !== "positional" && !split.options.some((option) => option.name === name),
    )
    .flatMap(([name, { description = "", ...definition }]) => {
      const long = { word: `--${name}`, description };
      return "alias" in definition
        ? [long, { word: `-${String(definition.alias)}`, description }]
        : [long];
    });
}

function positionalAt(index: number, { args, repeats }: Command): ArgDef | undefined {
  const positionals = Object.values(args).filter(({ type }) => type === "positional");
  return positionals[index] ?? (repeats ? positionals.at(-1) : undefined);
}

/** What the value of an option can be, where it is one of a few words. */
function choicesOf(name: string | undefined): Candidate[] {
  const [, definition] = Object.entries(options).find(([known]) => known === name) ?? [];
  return definition === undefined ? [] : plain(choicesIn(definition));
}

/** Those of a hint such as `bash|zsh|fish`. */
function choicesIn({ valueHint = "" }: ArgDef): string[] {
  return valueHint.includes("|") ? valueHint.split("|") : [];
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, description: "" }));
}
