/** A command's arguments, from the words that were given. */
import type { ArgsDef, CommandMeta } from "citty";
import type { OutputOptions } from "../terminal/output.ts";
import type { Arguments, CallData } from "./command.ts";
import { type CommandLine, positionalsOf } from "./command-line.ts";
import { extraOptionHint, extraWordHint, suggestion } from "./hints.ts";
import { nameArgument } from "./options.ts";
import { UsageError } from "./words.ts";

/** How much to say and in which voice, from a command's arguments and data. */
export function outputOptions(
  args: { json?: boolean | undefined; quiet?: boolean | undefined; verbose?: boolean | undefined },
  data: CallData | undefined,
): OutputOptions {
  return {
    json: args.json ?? false,
    quiet: args.quiet ?? false,
    verbose: args.verbose ?? false,
    seedOrder: data?.seedOrder ?? false,
  };
}

/** What a command's arguments are made from. */
type ReadWords = Pick<CommandLine, "options" | "positionals" | "rest" | "seedOrder"> & {
  readonly command?: { readonly name: string } | undefined;
};

/**
 * A command's arguments, as citty's parser would give them, but strictly.
 *
 * @throws {UsageError} for an option that the command does not take or that excludes another, and for a word too many or
 *   too few
 */
export function parsedArguments(
  line: ReadWords,
  definitions: ArgsDef,
  { repeats = false, conflicts = [] }: Pick<CommandMeta, "repeats" | "conflicts"> = {},
): Arguments {
  const values = optionValues(line, definitions);
  for (const excluding of conflicts) refuseSeveral(excluding, line.options);
  const wanted = positionalsOf({ args: definitions });
  requireWords(line, wanted, repeats);
  const isOfNames = wanted.some(([, { valueHint }]) => valueHint === nameArgument.valueHint);
  if (isOfNames && !line.seedOrder) line.positionals.forEach(refuseComma);
  for (const [index, [name]] of wanted.entries()) {
    const word = line.positionals[index];
    if (word !== undefined) values[name] = word;
  }
  return Object.assign({ _: [...line.positionals, ...line.rest] }, values);
}

function optionValues(
  { options, seedOrder, command }: ReadWords,
  definitions: ArgsDef,
): Record<string, string | boolean> {
  const values: Record<string, string | boolean> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.default !== undefined) values[name] = definition.default;
  }
  for (const { name, shown, value, isAbbreviated } of options) {
    const isTaken = seedOrder || !isAbbreviated;
    if (name === undefined || !isTaken || !Object.hasOwn(definitions, name)) {
      throw unknownOption(shown, definitions, command?.name);
    }
    values[name] = value ?? true;
  }
  return values;
}

/** Refuses a word too few or too many. */
function requireWords(
  { positionals, rest, command }: ReadWords,
  wanted: ReturnType<typeof positionalsOf>,
  repeats: boolean,
): void {
  const missing = wanted[positionals.length];
  if (missing !== undefined && missing[1].required !== false) {
    const place = rest.length > 0 ? " before the --" : "";
    throw new UsageError(`${missing[0].toUpperCase()} is missing${place}`);
  }
  const extra = positionals[wanted.length];
  if (extra !== undefined && !repeats) {
    const hint = extraWordHint(command?.name, extra);
    throw new UsageError(`unexpected word ${JSON.stringify(extra)}${hint}`);
  }
}

function refuseSeveral(excluding: readonly string[], given: CommandLine["options"]): void {
  const [one, other] = excluding.filter((option) => given.some(({ name }) => name === option));
  if (other !== undefined) throw new UsageError(`give --${one} or --${other}, not both`);
}

/** Refuses several names with commas, which only `run` takes: elsewhere they would be one lock that protects nothing. */
function refuseComma(word: string): void {
  if (!word.includes(",") || word.startsWith("/")) return;
  throw new UsageError(
    `${JSON.stringify(word)} has a comma, and only run takes several locks that way; for one lock with that name, write ${JSON.stringify(`/${word}`)}`,
  );
}

function unknownOption(
  shown: string,
  definitions: ArgsDef,
  command: string | undefined,
): UsageError {
  const names = Object.entries(definitions)
    .filter(([, { type, description }]) => type !== "positional" && description !== undefined)
    .map(([name]) => `--${name}`);
  const hint = extraOptionHint(command, shown) || suggestion(shown, names);
  return new UsageError(`unknown option ${shown}${hint}`);
}
