/** The texts of `--help`, from the same definitions that the command line is read by. */
import type { ArgDef, ArgsDef } from "citty";
import { version } from "../../../package.json";
import { options } from "./arguments.ts";
import type { Command } from "./command.ts";
import { exitCodeTexts } from "../exit-code.ts";
import { commands } from "../root.ts";
import { wrap } from "../terminal/wrap.ts";

/** What every terminal has. */
const columns = 80;

const timeNote = "TIME is in seconds, with a fraction or not, or has a unit: 500ms, 10s, 5m, 1h.";

/** The help of a command, or of the program. */
export async function usage(name: string | undefined): Promise<string> {
  const load = name === undefined ? undefined : commands[name];
  if (name === undefined || load === undefined) return programUsage();
  const command = await load();
  const { description, args, operands, notes } = command;
  const takesTime = Object.values(args).some((definition) => valueHint(definition) === "TIME");
  return [
    [`Usage: resourcelock ${name}`, ...positionals(command), "[OPTIONS]", operands ?? ""]
      .join(" ")
      .trimEnd(),
    "",
    `${description}.`,
    "",
    "Options:",
    ...table(optionRows(args)),
    "",
    ...[...notes, ...(takesTime ? [timeNote] : [])].flatMap((note) => wrap(note, columns)),
  ]
    .join("\n")
    .trimEnd();
}

async function programUsage(): Promise<string> {
  const rows: Row[] = [];
  for (const [name, load] of Object.entries(commands)) {
    const command = await load();
    rows.push([callOf(name, command), command.description]);
  }
  return [
    `resourcelock ${version}: serialises work between processes by named locks`,
    "",
    "Usage: resourcelock COMMAND [NAME] [OPTIONS]",
    "       resourcelock NAME COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...table(rows),
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
export function callOf(name: string, command: Command): string {
  return [name, ...positionals(command), command.operands ?? ""].join(" ").trimEnd();
}

/** As in `NAME`, `[NAME]`, `NAME...`. */
function positionals({ args, repeats }: Command): string[] {
  const found = Object.entries(args).filter(([, { type }]) => type === "positional");
  return found.map(([name, { required }], index) => {
    const word = `${name.toUpperCase()}${repeats && index === found.length - 1 ? "..." : ""}`;
    return required === false ? `[${word}]` : word;
  });
}

type Row = readonly [head: string, text: string];

function optionRows(args: ArgsDef): Row[] {
  return Object.entries(args)
    .filter(([, { type }]) => type !== "positional")
    .map(([name, definition]) => {
      const alias = "alias" in definition ? `-${String(definition.alias)}, ` : "    ";
      const hint = valueHint(definition);
      const byDefault = definition.default === undefined ? "" : ` (default: ${definition.default})`;
      const head = `${alias}--${name}${hint === undefined ? "" : ` ${hint}`}`;
      return [head, `${definition.description ?? ""}${byDefault}`];
    });
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
