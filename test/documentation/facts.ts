/**
 * The same facts, as the program has them and as each text tells them, in one form to compare: commands
 * and exit statuses as rows, the options of each command as `-t, --get-timeout TIME (default: 0.5)`.
 */
import type { ArgDef } from "citty";
import { exitCodeTexts } from "../../src/cli/exit-code.ts";
import { allCommands } from "../../src/cli/arguments/command.ts";
import { callOf } from "../../src/cli/arguments/usage.ts";
import { aliasesOf } from "../../src/cli/arguments/words.ts";
import { root } from "../../src/cli/root.ts";
import { resourcelock } from "../support/binary.ts";
import type { ManualPage } from "./manual-page.ts";
import type { Markdown } from "./markdown.ts";

export interface Facts {
  /** How it is called and what it does, of each command. */
  commands: Record<string, string>;
  exitStatuses: Record<string, string>;
  /** Sorted, of each command. */
  options: Record<string, string[]>;
}

export async function factsOfProgram(): Promise<Facts> {
  const facts: Facts = {
    commands: {},
    exitStatuses: Object.fromEntries(exitCodeTexts),
    options: {},
  };
  for (const command of await allCommands(root)) {
    facts.commands[callOf(command)] = command.meta.description ?? "";
    facts.options[command.name] = Object.entries(command.args)
      .filter(([, { type, description }]) => type !== "positional" && description !== undefined)
      .map(([long, definition]) => optionText(headOf(long, definition), defaultOf(definition)))
      .toSorted();
  }
  return facts;
}

/** `-t, --get-timeout TIME` */
export function headOf(long: string, definition: ArgDef): string {
  const [letter] = aliasesOf(definition);
  const short = letter === undefined ? "" : `-${letter}, `;
  const value = definition.type === "string" ? ` ${definition.valueHint}` : "";
  return `${short}--${long}${value}`;
}

/** One that is no constant stands in the description. */
function defaultOf({ default: constant, description = "" }: ArgDef): string | undefined {
  return constant === undefined ? defaultIn(description) : String(constant);
}

function defaultIn(text: string): string | undefined {
  return /\(default: (.*)\)$/.exec(text)?.[1];
}

function optionText(head: string, byDefault: string | undefined): string {
  return byDefault === undefined ? head : `${head} (default: ${byDefault})`;
}

/** What the built program tells by `--help`. */
export async function factsOfHelp(): Promise<Facts> {
  const { stdout } = await resourcelock("--help");
  const facts: Facts = {
    commands: Object.fromEntries(helpRows(stdout, "Commands:")),
    exitStatuses: Object.fromEntries(helpRows(stdout, "Exit status:")),
    options: {},
  };
  for (const call of Object.keys(facts.commands)) {
    const [name = ""] = call.split(" ");
    const { stdout: help } = await resourcelock(name, "--help");
    facts.options[name] = helpRows(help, "Options:")
      .map(([head, text]) => optionText(head, defaultIn(text)))
      .toSorted();
  }
  return facts;
}

/** The rows of two columns under a title; a line that starts in the second column goes on with its row. */
function helpRows(help: string, title: string): [head: string, text: string][] {
  const lines = help.split("\n");
  const start = lines.indexOf(title) + 1;
  const rows: [string, string][] = [];
  for (const line of lines.slice(start)) {
    if (line === "") break;
    const [, head = "", text = ""] = /^ {2,6}(?! )(.*?) {2,}(.*)$/.exec(line) ?? [];
    const row = rows.at(-1);
    if (head !== "") rows.push([head, text]);
    else if (row !== undefined) row[1] += ` ${line.trim()}`;
  }
  return rows;
}

export function factsOfReference(reference: Markdown): Facts {
  const calls = Object.fromEntries(reference.table("Commands").rows);
  const names = Object.keys(calls).map((call) => call.split(" ")[0] ?? "");
  const options: Facts["options"] = Object.fromEntries(names.map((name) => [name, []]));
  for (const [option = "", of = ""] of reference.table("Options").rows) {
    for (const [name, byDefault] of commandsOf(of, names)) {
      (options[name] ??= []).push(optionText(option, byDefault));
    }
  }
  return {
    commands: calls,
    exitStatuses: Object.fromEntries(reference.table("Exit statuses").rows),
    options: Object.fromEntries(
      Object.entries(options).map(([name, heads]) => [name, heads.toSorted()]),
    ),
  };
}

/** From `run (-1), get (0.5)`, `trace, history`, `all` or `all but complete, man`: commands, with defaults. */
function commandsOf(cell: string, names: readonly string[]): [name: string, byDefault?: string][] {
  const [, but = ""] = /^all(?: but (.+))?$/.exec(cell) ?? [];
  if (cell.startsWith("all")) {
    const left = but.split(", ");
    return names.filter((name) => !left.includes(name)).map((name) => [name]);
  }
  return cell.split(", ").map((part) => {
    const [, name = part, byDefault] = /^(\w+) \((.*)\)$/.exec(part) ?? [];
    return byDefault === undefined ? [name] : [name, byDefault];
  });
}

export function factsOfManualPage(page: ManualPage): Facts {
  const facts: Facts = { commands: {}, exitStatuses: {}, options: {} };
  for (const { tag, text } of page.tagged("COMMANDS")) {
    const [sentence = ""] = text.split(". ");
    facts.commands[tag] = sentence.replace(/\.$/, "");
  }
  for (const { tag, text } of page.tagged("EXIT STATUS")) facts.exitStatuses[tag] = text;
  const described = page.tagged("OPTIONS");
  for (const synopsis of page.synopses) {
    const [, name] = /^resourcelock ([a-z]+)(?: |$)/.exec(synopsis) ?? [];
    if (name === undefined) continue;
    // That each takes --help is said once for all.
    facts.options[name] = [...optionsIn(synopsis), "-h"]
      .map((option) => {
        const found = described.find(({ tag }) => inSynopsis(tag) === option);
        if (found === undefined) return `${option}: not under OPTIONS`;
        return optionText(found.tag, defaultFor(name, found.text));
      })
      .toSorted();
  }
  return facts;
}

/** The options of a synopsis, each with its value: `-t TIME`, `--sort name|age`, `--json`. */
function optionsIn(synopsis: string): string[] {
  return [
    ...synopsis.matchAll(
      /(?<=[[{ ])(?:-\w|--\w[\w-]*)(?: [A-Z]+| [a-z]+(?:\|[a-z]+)+)?(?=[\]} ])/g,
    ),
  ].map(([option]) => option);
}

/** An option as a synopsis has it: by its short name if it has one. */
function inSynopsis(tag: string): string {
  return tag.replace(/^(-\w), --[\w-]+/, "$1");
}

/** From `Default: -1 for run, 0.5 for get.` */
function defaultFor(name: string, text: string): string | undefined {
  const [, defaults = ""] = /Default: (.*)\.$/.exec(text) ?? [];
  return defaults
    .split(", ")
    .find((part) => part.endsWith(` for ${name}`))
    ?.slice(0, -` for ${name}`.length);
}
