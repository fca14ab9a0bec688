/**
 * The command line's words: which options there are, and the strict reading of them that citty lacks (it
 * swallows an unknown option and takes a missing value for an empty one, and `-t -1` is ambiguous to it).
 */
import type { ArgDef, ArgsDef } from "citty";
import type { OutputOptions } from "../terminal/output.ts";
import { UsageError } from "./usage-error.ts";

/** Every option, defined once. A command picks those that it takes. */
export const options = {
  help: { type: "boolean", alias: "h", description: "show this help" },
  version: { type: "boolean", alias: "V", description: "print the version" },
  json: { type: "boolean", description: "print results as JSON, one object a line" },
  quiet: { type: "boolean", alias: "q", description: "print errors only" },
  verbose: { type: "boolean", alias: "v", description: "tell on stderr what is done" },
  "no-color": { type: "boolean", description: "print without colours, on a terminal too" },
  locked: { type: "boolean", description: "only locks that are locked" },
  stale: { type: "boolean", description: "what participants that died have left" },
  set: { type: "string", valueHint: "TEXT", description: "write this text, without a date" },
  stdin: { type: "boolean", description: "write what stdin has, all of it" },
  force: { type: "boolean", description: "also while it is held or waited for" },
  sort: {
    type: "string",
    valueHint: "name|age",
    default: "name",
    description: "by name, or by age: those held the longest first",
  },
  prometheus: {
    type: "boolean",
    description: "print metrics for the textfile collector of node_exporter",
  },
  message: {
    type: "string",
    alias: "m",
    valueHint: "TEXT",
    description: "who takes the lock and why, for all to see",
  },
  "get-timeout": {
    type: "string",
    alias: "t",
    valueHint: "TIME",
    description: "how long to wait for the lock: 0 tries once, -1 waits for ever",
  },
  "auto-unget": {
    type: "string",
    alias: "a",
    valueHint: "TIME",
    description: "stay, and release the lock after this time or when interrupted",
  },
  update: {
    type: "string",
    alias: "u",
    valueHint: "TIME",
    default: "0.5",
    description: "how often to look",
  },
  plot: { type: "boolean", description: "draw who held the lock when, and who waited" },
  check: { type: "boolean", description: "answer by the exit status alone: 0 free, 1 locked" },
  nonblock: { type: "boolean", alias: "n", description: "do not wait: the same as -t 0" },
  "conflict-exit-code": {
    type: "string",
    alias: "E",
    valueHint: "CODE",
    default: "75",
    description: "exit status when the lock is not granted in time",
  },
  mode: {
    type: "string",
    valueHint: "MODE",
    description: "who may use a lock that is made now, in octal, as in 0660, whatever the umask",
  },
  group: {
    type: "string",
    valueHint: "GROUP",
    description: "the group that a lock that is made now belongs to; --mode is 0660 then",
  },
  "owner-pid": {
    type: "string",
    valueHint: "PID",
    description:
      "bind the lock to a process, as in --owner-pid $$: when that ends, it is free for the next",
  },
  shared: {
    type: "boolean",
    description: "hold it together with others that say so too; alone against all others",
  },
  slots: {
    type: "string",
    valueHint: "N",
    description: "hold it together with others that say so too, N at once at most",
  },
  "no-adopt": {
    type: "boolean",
    description: "do not take over from a holder that died",
  },
  reentrant: {
    type: "boolean",
    description: "if a run around this one holds the lock, run the command under that",
  },
  close: {
    type: "boolean",
    alias: "o",
    description: "if run is killed, do not leave the lock to the command",
  },
  command: {
    type: "string",
    alias: "c",
    valueHint: "STRING",
    description: "a command line for $SHELL, in place of COMMAND",
  },
} as const satisfies ArgsDef;

/** The lock that a command is about. */
export const nameArgument = {
  type: "positional",
  required: true,
  description: "the lock's name",
} as const satisfies ArgDef;

/** The same where there may be several, with commas between. */
export const nameListArgument = { ...nameArgument, valueHint: "NAME,..." } as const;

/** What all commands take. */
export const commonOptions = {
  json: options.json,
  quiet: options.quiet,
  verbose: options.verbose,
  help: options.help,
} as const satisfies ArgsDef;

/** How much to say, from a command's parsed arguments. */
export function outputOptions(args: {
  json?: boolean | undefined;
  quiet?: boolean | undefined;
  verbose?: boolean | undefined;
}): OutputOptions {
  return {
    json: args.json ?? false,
    quiet: args.quiet ?? false,
    verbose: args.verbose ?? false,
  };
}

interface OptionWord {
  /** Its long name, or undefined where no such option is known. */
  name: string | undefined;
  /** As it was given, for messages: `-t`, `--get-timeout`. */
  shown: string;
  value: string | undefined;
}

/** A command line, taken apart: option words and other words in their order. */
export interface Words {
  options: OptionWord[];
  positionals: string[];
}

/**
 * Takes words apart as getopt_long(3) does: `-t 5`, `-t5`, `-qt5`, `--get-timeout 5`, `--get-timeout=5`, and
 * after `--` there are no options. A value may start with a dash, as in `-t -1`, unless it is an option.
 *
 * @param known the options that there are; others are kept without a name
 * @throws {UsageError} for a value that is missing or not wanted
 */
export function splitWords(words: readonly string[], known: ArgsDef): Words {
  const result: Words = { options: [], positionals: [] };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      result.positionals.push(...rest.splice(0));
    } else if (word.startsWith("--")) {
      result.options.push(longOption(word, rest, known));
    } else if (word.startsWith("-") && word !== "-") {
      result.options.push(...shortOptions(word, rest, known));
    } else {
      result.positionals.push(word);
    }
  }
  return result;
}

function longOption(word: string, rest: string[], known: ArgsDef): OptionWord {
  const [shown = word] = word.split("=", 1);
  const value = word === shown ? undefined : word.slice(shown.length + 1);
  const name = shown.slice(2);
  const definition = Object.hasOwn(known, name) ? known[name] : undefined;
  if (definition === undefined || definition.type === "positional") {
    return { name: undefined, shown, value };
  }
  if (!takesValue(definition)) {
    if (value !== undefined) throw new UsageError(`${shown} takes no value`);
    return { name, shown, value };
  }
  return { name, shown, value: value ?? nextValue(shown, rest, known) };
}

function shortOptions(word: string, rest: string[], known: ArgsDef): OptionWord[] {
  const found: OptionWord[] = [];
  for (let index = 1; index < word.length; index++) {
    const letter = word.charAt(index);
    const shown = `-${letter}`;
    const [name, definition] =
      Object.entries(known).find(([, candidate]) => aliasOf(candidate) === letter) ?? [];
    if (definition !== undefined && takesValue(definition)) {
      const attached = word.slice(index + 1).replace(/^=/, "");
      const value = index + 1 < word.length ? attached : nextValue(shown, rest, known);
      found.push({ name, shown, value });
      break;
    }
    found.push({ name, shown, value: undefined });
    // -1 and the like: what follows is not more options.
    if (name === undefined) break;
  }
  return found;
}

function nextValue(shown: string, rest: string[], known: ArgsDef): string {
  const [value] = rest;
  if (value === undefined || value === "--" || isOption(value, known)) {
    const hint =
      value === undefined || value === "--"
        ? ""
        : `; if ${value} is its value, write ${shown}${shown.startsWith("--") ? "=" : ""}${value}`;
    throw new UsageError(`${shown} needs a value${hint}`);
  }
  rest.shift();
  return value;
}

function isOption(word: string, known: ArgsDef): boolean {
  const [name = ""] = word.slice(2).split("=", 1);
  if (word.startsWith("--")) return Object.hasOwn(known, name);
  return (
    word.length === 2 &&
    word.startsWith("-") &&
    Object.values(known).some((definition) => aliasOf(definition) === word.charAt(1))
  );
}

function takesValue(definition: ArgDef): boolean {
  return definition.type === "string";
}

function aliasOf(definition: ArgDef): string | undefined {
  const alias = "alias" in definition ? definition.alias : undefined;
  return typeof alias === "string" ? alias : alias?.[0];
}

/**
 * A command's arguments, as citty's parser would give them from these words; but for that it loads node:util, which
 * costs half as much as the start of an empty program, and is not strict.
 *
 * @param operands what the command has behind `--`, if it has
 * @param repeats whether the last positional may be given several times
 * @throws {UsageError} for an option that the command does not take, and for a word too many or too few
 */
export function parsedArguments(
  words: Words,
  definitions: ArgsDef,
  { operands, repeats = false }: { operands?: string | undefined; repeats?: boolean } = {},
): Record<string, unknown> {
  const parsed: Record<string, unknown> = { _: words.positionals };
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.type !== "positional") parsed[name] = definition.default;
  }
  for (const { name, shown, value } of words.options) {
    if (name === undefined || !Object.hasOwn(definitions, name))
      throw unknownOption(shown, definitions);
    parsed[name] = value ?? true;
  }
  const wanted = Object.entries(definitions).filter(([, { type }]) => type === "positional");
  const missing = wanted[words.positionals.length];
  if (missing !== undefined && missing[1].required !== false) {
    throw new UsageError(`${missing[0].toUpperCase()} is missing`);
  }
  const extra = words.positionals[wanted.length];
  if (extra !== undefined && !repeats) {
    const hint =
      operands === undefined ? "" : `; the command stands behind a --, as in NAME ${operands}`;
    throw new UsageError(`unexpected word ${JSON.stringify(extra)}${hint}`);
  }
  for (const [index, [name]] of wanted.entries()) parsed[name] = words.positionals[index];
  return parsed;
}

function unknownOption(shown: string, definitions: ArgsDef): UsageError {
  const names = Object.entries(definitions)
    .filter(([, { type }]) => type !== "positional")
    .map(([name]) => `--${name}`);
  return new UsageError(`unknown option ${shown}${suggestion(shown, names)}`);
}

/** `; did you mean X?` with the nearest word, where one is near enough to have been meant. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(
      ({ candidate, distance }) => distance <= Math.max(1, Math.ceil(candidate.length / 2) - 1),
    )
    .toSorted((one, other) => one.distance - other.distance);
  return nearest === undefined ? "" : `; did you mean ${nearest.candidate}?`;
}

/** Letters to insert, delete, replace or swap with their neighbour: optimal string alignment. */
function editDistance(one: string, other: string): number {
  let previous: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let column = 0; column < other.length; column++) {
      const same = one[index] === other[column];
      const swapped = one[index] === other[column - 1] && one[index - 1] === other[column];
      next.push(
        Math.min(
          (row[column] ?? 0) + (same ? 0 : 1),
          (row[column + 1] ?? 0) + 1,
          (next[column] ?? 0) + 1,
          swapped ? (previous[column - 1] ?? 0) + 1 : Infinity,
        ),
      );
    }
    previous = row;
    row = next;
  }
  return row.at(-1) ?? 0;
}
