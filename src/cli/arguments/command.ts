/** What every command's file gives to the command tree. */
import { type ArgsDef, defineCommand, type ParsedArgs } from "citty";

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

/** A command, for the command tree. */
export interface Command {
  /** @param args the result of `parsedArguments` for its `args` */
  run: (context: {
    args: Record<string, unknown>;
    data: readonly string[] | undefined;
  }) => number | Promise<number>;
  description: string;
  args: ArgsDef;
  repeats: boolean;
  operands: string | undefined;
  /** Whether the words behind `--` are not for the parser to see. */
  takesRest: boolean;
  notes: readonly string[];
}

/**
 * Makes a command, which is citty's too. It is not run by citty's `runCommand`: that parses once more, by node:util,
 * which takes half as long as an empty program.
 */
export function command<const Args extends ArgsDef>(parts: CommandParts<Args>): Command {
  const { run } = defineCommand({
    meta: { name: parts.name, description: parts.description },
    args: parts.args,
    run: (context) => parts.run({ args: context.args, rest: context.data }),
  });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    run: run as unknown as Command["run"],
    args: parts.args,
    description: parts.description,
    repeats: parts.repeats ?? false,
    operands: parts.operands,
    takesRest: parts.operands !== undefined || (parts.takesRest ?? false),
    notes: parts.notes ?? [],
  };
}
