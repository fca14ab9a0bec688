/** The texts of help, from the same definitions that the command line is read by. */
import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from "citty";
import { version } from "../../../package.json";
import { columnsOf } from "../../posix/terminal.ts";
import { exitCodeTexts } from "../exit-code.ts";
import { wrap } from "../terminal/text.ts";
import { allCommands, type Command, commandGroups } from "./command.ts";
import { positionalsOf } from "./command-line.ts";
import { options } from "./options.ts";
import { aliasesOf } from "./words.ts";

const standardOutput = 1;
const errorOutput = 2;

/** The width of a text that goes elsewhere than to a terminal. */
const defaultColumns = 80;
/** Lines that are longer than this are hard to read, and columns that are narrower hold no text. */
const columnLimits = { min: 40, max: 100 };

const timeNote = "TIME is in seconds, as in 0.5, or has units: 500ms, 10s, 5m, 1h30m, 7d.";
const purpose = "makes sure that only one process does a job at a time";

/** The help of a command, or of the program: a short one that fits a screen, or all of it. */
export async function helpOf(
  command: Command | undefined,
  tree: CommandDef,
  { isLong }: { isLong: boolean },
): Promise<string> {
  const columns = columnsToFill();
  if (command !== undefined) return commandHelp(command, columns);
  const commands = await allCommands(tree);
  return isLong ? longHelp(commands, columns) : shortHelp(commands, columns);
}

function columnsToFill(): number {
  const columns = columnsOf(standardOutput);
  // Into a pager: stderr is still the terminal that it shows it on.
  if (columns === Infinity) return within(columnsOf(errorOutput), defaultColumns);
  return within(columns, columnLimits.max);
}

function within(columns: number, max: number): number {
  return Math.min(Math.max(columns, columnLimits.min), max);
}

function commandHelp(command: Command, columns: number): string {
  const { name, meta, args } = command;
  const { description = "", byDefault, operands = "", notes = [], examples = [] } = meta;
  const takesTime = Object.values(args).some((definition) => valueHint(definition) === "TIME");
  const call = ["Usage: resourcelock", name, ...positionalTexts(command), "[OPTIONS]", operands];
  const sections = [
    wrap(`${description}${byDefault === undefined ? "" : `; ${byDefault}`}.`, columns),
    examples.length === 0 ? [] : ["Examples:", ...exampleLines(examples, columns)],
    usageLines(call.join(" ").trimEnd(), columns),
    ["Options:", ...table(optionRows(args, meta.conflicts), columns)],
    [...notes, ...(takesTime ? [timeNote] : [])].flatMap((note) => wrap(note, columns)),
  ];
  return joined(sections);
}

const usage = "Usage: resourcelock COMMAND [NAME] [OPTIONS], or NAME COMMAND [OPTIONS]";
const usageIndent = 7;

/** A line of usage, what does not fit below its first word. */
function usageLines(text: string, columns: number): string[] {
  const lines = wrap(text.slice(usageIndent), columns - usageIndent);
  const indent = " ".repeat(usageIndent);
  return lines.map((line, index) => (index === 0 ? text.slice(0, usageIndent) : indent) + line);
}

const programExamples = [
  ["run backup rsync -a ~/ /mnt/copy", "wait for the lock, then run"],
  ["run -n sync ./sync.sh", "skip it if it still runs"],
  ["state backup", "see who holds it, who waits"],
] as const;

/** Fits a terminal of 24 rows, its prompt included. */
function shortHelp(commands: readonly Command[], columns: number): string {
  const width = Math.max(...commandGroups.map((group) => group.length));
  const groups = commandGroups.flatMap((group) => {
    const members = commands.filter(({ meta }) => meta.group === group);
    const rows: Row[] =
      group === "Help"
        ? [[members.map(({ name }) => name).join(", "), ""]]
        : members.map(({ name, meta }) => [name, meta.description ?? ""]);
    const names = commands.filter(({ meta }) => meta.group !== "Help").map(({ name }) => name);
    const lines = table(rows, columns - width - 2, Math.max(...names.map((name) => name.length)));
    return lines.map((line, index) => `${(index === 0 ? group : "").padEnd(width)}${line}`);
  });
  return joined([
    [...wrap(`resourcelock ${purpose}.`, columns), ...usageLines(usage, columns)],
    exampleLines(programExamples, columns),
    groups,
    wrap(
      "For the options of a command: resourcelock COMMAND -h. For options, exit statuses and more: resourcelock --help, resourcelock man.",
      columns,
    ),
  ]);
}

function longHelp(commands: readonly Command[], columns: number): string {
  const rows = commands.map((command): Row => [callOf(command), command.meta.description ?? ""]);
  const programOptions = { help: options.help, version: options.version };
  return joined([
    wrap(`resourcelock ${version} ${purpose}: give the job a name, and run it.`, columns),
    ["Examples:", ...exampleLines(programExamples, columns)],
    [
      ...usageLines(usage, columns),
      ...usageLines(
        "       resourcelock [OPTIONS] NAME COMMAND   (the Python tool's order)",
        columns,
      ),
    ],
    ["Commands:", ...table(rows, columns)],
    ["Options:", ...table(optionRows(programOptions), columns)],
    wrap(
      "For the options of a command: resourcelock COMMAND --help. They can stand anywhere before the command of run; nothing after -- is an option.",
      columns,
    ),
    wrap(timeNote, columns),
    ["Exit status:", ...table(exitCodeTexts, columns)],
  ]);
}

/** Sections that are not empty, with an empty line between them. */
function joined(sections: readonly (readonly string[])[]): string {
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function exampleLines(
  examples: readonly (readonly [line: string, text: string])[],
  columns: number,
): string[] {
  return table(
    examples.map(([line, text]) => [`resourcelock ${line}`, text]),
    columns,
  );
}

/** How a command is called, as in `run NAME [--] COMMAND [ARG...]`. */
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

/** One without a description is taken, and not shown. */
function optionRows(args: ArgsDef, conflicts: CommandMeta["conflicts"] = []): Row[] {
  return Object.entries(args)
    .filter(([, { type, description }]) => type !== "positional" && description !== undefined)
    .map(([name, definition]) => {
      const [letter] = aliasesOf(definition);
      const hint = valueHint(definition);
      const byDefault = definition.default === undefined ? "" : ` (default: ${definition.default})`;
      const head = `${letter === undefined ? "    " : `-${letter}, `}--${name}${hint === undefined ? "" : ` ${hint}`}`;
      const others = exclusion(name, args, conflicts);
      return [head, `${definition.description ?? ""}${others}${byDefault}`];
    });
}

/** As in `; not with --slots`. */
function exclusion(name: string, args: ArgsDef, conflicts: readonly (readonly string[])[]): string {
  const others = conflicts
    .filter((excluding) => excluding.includes(name))
    .flatMap((excluding) => excluding.filter((other) => other !== name))
    .filter((other) => args[other]?.description !== undefined);
  return others.length === 0 ? "" : `; not with ${others.map((other) => `--${other}`).join(", ")}`;
}

function valueHint(definition: ArgDef): string | undefined {
  return definition.type === "string" ? definition.valueHint : undefined;
}

/** Less than this of a second column is no use: the text goes under the head. */
const minTextColumns = 24;

/** Two columns, the second one wrapped. */
function table(rows: readonly Row[], columns: number, minHead = 0): string[] {
  const width = Math.max(minHead, ...rows.map(([head]) => head.length));
  const left = columns - width - 4;
  if (left < minTextColumns) {
    return rows.flatMap(([head, text]) => [
      ...wrap(head.trimStart(), columns - 2).map((line) => `  ${line}`),
      ...(text === "" ? [] : wrap(text, columns - 6).map((line) => `      ${line}`)),
    ]);
  }
  return rows.flatMap(([head, text]) =>
    wrap(text, left).map((line, index) =>
      `  ${(index === 0 ? head : "").padEnd(width)}  ${line}`.trimEnd(),
    ),
  );
}
