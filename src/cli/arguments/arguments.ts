/** A command's arguments, from the words that were given. */
import type { ArgsDef, CommandMeta } from "citty";
import type { OutputOptions } from "../terminal/output.ts";
import type { Arguments, CallData } from "./command.ts";
import { type CommandLine, positionalsOf } from "./command-line.ts";
import { suggestion } from "./hints.ts";
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

/**
 * A command's arguments, as citty's parser would give them, but strictly.
 *
 * @throws {UsageError} for an option that the command does not take or that excludes another, and for a word too many or
 *   too few
 */
export function parsedArguments(
  line: Pick<CommandLine, "options" | "positionals" | "rest" | "seedOrder">,
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
  { options, seedOrder }: Pick<CommandLine, "options" | "seedOrder">,
  definitions: ArgsDef,
): Record<string, string | boolean> {
  const values: Record<string, string | boolean> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.default !== undefined) values[name] = definition.default;
  }
  for (const { name, shown, value, isAbbreviated } of options) {
    const isTaken = seedOrder || !isAbbreviated;
    if (name === undefined || !isTaken || !Object.hasOwn(definitions, name)) {
      throw unknownOption(shown, definitions);
    }
    values[name] = value ?? true;
  }
  return values;
}

/** Refuses a word too few or too many. */
function requireWords(
  { positionals, rest }: Pick<CommandLine, "positionals" | "rest">,
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
    throw new UsageError(`unexpected word ${JSON.stringify(extra)}`);
  }
}

function refuseSeveral(excluding: readonly string[], given: CommandLine["options"]): void {
  const [one, other] = excluding.filter((option) => given.some(({ name }) => name === option));
  if (other !== undefined) throw new UsageError(`give --${one} or --${other}, not both`);
}

/** With commas it is several names to run; where one lock is taken it would protect nothing. */
function refuseComma(word: string): void {
  if (!word.includes(",") || word.startsWith("/")) return;
  throw new UsageError(
    `${JSON.stringify(word)} is several locks, which only run takes with commas; for one lock of that name, write ${JSON.stringify(`/${word}`)}`,
  );
}

function unknownOption(shown: string, definitions: ArgsDef): UsageError {
  const names = Object.entries(definitions)
    .filter(([, { type, description }]) => type !== "positional" && description !== undefined)
    .map(([name]) => `--${name}`);
  return new UsageError(`unknown option ${shown}${suggestion(shown, names)}`);
}
