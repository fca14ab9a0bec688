/** What every command's file gives to the command tree. */
import { type ArgsDef, type CommandDef, defineCommand, type ParsedArgs } from "citty";

/** What a command is run with. */
interface Invocation<Args extends ArgsDef> {
  args: ParsedArgs<Args>;
  /** The words after `--`; undefined where there was no `--`. */
  rest: readonly string[] | undefined;
}

/** A command, as its file defines it. */
export interface CommandParts<Args extends ArgsDef> {
  name: string;
  description: string;
  args: Args;
  /** Whether the last positional may be given several times; `args._` has all of them. */
  repeats?: boolean;
  /** What stands behind `--`, for `--help`: these words are another command's, not for the parser to see. */
  operands?: string;
  /** Whether words may stand behind `--` that `--help` does not tell of. */
  takesRest?: boolean;
  /** What `--help` says under the options. */
  notes?: readonly string[];
  /** Does the work; its result is the exit status. */
  run(invocation: Invocation<Args>): number | Promise<number>;
}

/** A command in citty's form, with what citty has no place for beside it. */
export interface Command {
  definition: CommandDef;
  description: string;
  args: ArgsDef;
  repeats: boolean;
  operands: string | undefined;
  /** Whether the words behind `--` are not for the parser to see. */
  takesRest: boolean;
  notes: readonly string[];
}

/** Makes a citty command whose result is an exit status. */
export function command<const Args extends ArgsDef>(parts: CommandParts<Args>): Command {
  const definition = defineCommand({
    meta: { name: parts.name, description: parts.description },
    args: parts.args,
    run: ({ args, data }) => {
      const { rest }: Pick<Invocation<Args>, "rest"> = data;
      undoNegation(args, parts.args);
      return parts.run({ args, rest });
    },
  });
  return {
    // What citty passes to `run` fits, as it parses by the same `args`; its types cannot say so.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    definition: definition as unknown as CommandDef,
    description: parts.description,
    args: parts.args,
    repeats: parts.repeats ?? false,
    operands: parts.operands,
    takesRest: parts.operands !== undefined || (parts.takesRest ?? false),
    notes: parts.notes ?? [],
  };
}

/** citty takes `--no-adopt` for `--adopt=false`; here it is an option of that name. */
function undoNegation(args: Record<string, unknown>, definitions: ArgsDef): void {
  for (const name of Object.keys(definitions)) {
    if (name.startsWith("no-")) args[name] = args[name.slice("no-".length)] === false;
  }
}
