/** The texts of `--help`, from the same definitions that the command line is read by. */
import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from "citty";
import { version } from "../../../package.json";
import { exitCodeTexts } from "../exit-code.ts";
import { wrap } from "../terminal/wrap.ts";
import { allCommands, type Command } from "./command.ts";
import { positionalsOf } from "./command-line.ts";
import { options } from "./options.ts";
import { aliasesOf } from "./words.ts";

/** What every terminal has. */
const columns = 80;

const timeNote = "TIME is in seconds, with a fraction or not, or has a unit: 500ms, 10s, 5m, 1h.";

/** The help of a command. */
export function commandUsage(command: Command): string {
  const { name, meta, args } = command;
  const { description = "", operands = "", notes = [] } = meta;
  const takesTime = Object.values(args).some((definition) => valueHint(definition) === "TIME");
  return [
    [`Usage: resourcelock ${name}`, ...positionalTexts(command), "[OPTIONS]", operands]
      .join(" ")
      .trimEnd(),
    "",
    `${description}.`,
    "",
    "Options:",
    ...table(optionRows(args, meta.conflicts)),
    "",
    ...[...notes, ...(takesTime ? [timeNote] : [])].flatMap((note) => wrap(note, columns)),
  ]
    .join("\n")
    .trimEnd();
}

/** The help of the program. */
export async function programUsage(tree: CommandDef): Promise<string> {
  const commands = await allCommands(tree);
  return [
    `resourcelock ${version}: serialises work between processes by named locks`,
    "",
    "Usage: resourcelock COMMAND [NAME] [OPTIONS]",
    "       resourcelock NAME COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...table(commands.map((command) => [callOf(command), command.meta.description ?? ""])),
    "",
    "Options:",
    ...table(optionRows({ help: options.help, version: options.version })),
    "",
    "resourcelock COMMAND --help tells a command's options. They may stand anywhere.",
    "",
    "Exit status:",
    ...table(exitCodeTexts),
  ].join("\n");
}

/** How a command is called, as in `run NAME -- COMMAND [ARG...]`. */
export function callOf(command: Command): string {
  return [command.name, ...positionalTexts(command), command.meta.operands ?? ""]
    .join(" ")
    .trimEnd();
}

/** As in `NAME`, `[NAME]`, `NAME...`. */
function positionalTexts(command: Command): string[] {
  const found = positionalsOf(command);
  return found.map(([name, { required }], index) => {
    const repeats = command.meta.repeats && index === found.length - 1;
    const word = `${name.toUpperCase()}${repeats ? "..." : ""}`;
    return required === false ? `[${word}]` : word;
  });
}

type Row = readonly [head: string, text: string];

function optionRows(args: ArgsDef, conflicts: CommandMeta["conflicts"] = []): Row[] {
  return Object.entries(args)
    .filter(([, { type }]) => type !== "positional")
    .map(([name, definition]) => {
      const [letter] = aliasesOf(definition);
      const hint = valueHint(definition);
      const byDefault = definition.default === undefined ? "" : ` (default: ${definition.default})`;
      const head = `${letter === undefined ? "    " : `-${letter}, `}--${name}${hint === undefined ? "" : ` ${hint}`}`;
      return [head, `${definition.description ?? ""}${exclusion(name, conflicts)}${byDefault}`];
    });
}

/** As in `; not with --slots`. */
function exclusion(name: string, conflicts: readonly (readonly string[])[]): string {
  const others = conflicts
    .filter((excluding) => excluding.includes(name))
    .flatMap((excluding) => excluding.filter((other) => other !== name));
  return others.length === 0 ? "" : `; not with ${others.map((other) => `--${other}`).join(", ")}`;
}

function valueHint(definition: ArgDef): string | undefined {
  return definition.type === "string" ? definition.valueHint : undefined;
}

/** Two columns, the second one wrapped. */
function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([head]) => head.length));
  return rows.flatMap(([head, text]) =>
    wrap(text, columns - width - 4).map(
      (line, index) => `  ${(index === 0 ? head : "").padEnd(width)}  ${line}`,
    ),
  );
}
