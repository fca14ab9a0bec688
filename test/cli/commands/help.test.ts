/** What the help tells, against what the commands take. */
import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { version } from "../../../package.json";
import { parsedArguments } from "../../../src/cli/arguments/arguments.ts";
import { readCommandLine } from "../../../src/cli/arguments/command-line.ts";
import {
  type Command,
  commandGroups,
  commandNames,
  loadCommand,
} from "../../../src/cli/arguments/command.ts";
import { options } from "../../../src/cli/arguments/options.ts";
import { aliasesOf } from "../../../src/cli/arguments/words.ts";
import { callOf } from "../../../src/cli/arguments/usage.ts";
import { exitCodes, exitCodeTexts } from "../../../src/cli/exit-code.ts";
import { root } from "../../../src/cli/root.ts";
import { casesOf, haveTools, newLockName, resourcelock } from "../../support/binary.ts";
import { objectsOf } from "./scenario.ts";
import { Terminal } from "./terminal.ts";

const names = await commandNames(root);

async function help(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await resourcelock(...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

/** The options in a help's table, such as `-t, --get-timeout TIME`. */
function optionsIn(text: string): string[] {
  return [...text.matchAll(/^ {2}((?:-\w, | {4})--\S+(?: [A-Z]+| [a-z]+\|[a-z|]+)?)/gm)].map(
    ([, head = ""]) => head.trimStart(),
  );
}

/** The options of a command's definition, in the same form. */
function optionsOf(args: ArgsDef): string[] {
  return Object.entries(args).flatMap(([name, definition]) => {
    if (definition.type === "positional" || definition.description === undefined) return [];
    const [letter] = aliasesOf(definition);
    const alias = letter === undefined ? "" : `-${letter}, `;
    const hint = definition.type === "string" ? ` ${definition.valueHint ?? ""}` : "";
    return [`${alias}--${name}${hint}`];
  });
}

async function commandOf(name: string): Promise<Command> {
  const command = await loadCommand(root, name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  return command;
}

async function argsOf(name: string): Promise<ArgsDef> {
  return (await commandOf(name)).args;
}

/** A command with its positionals: `run NAME`, `doctor`. */
async function headOf(name: string): Promise<string> {
  const { args, meta } = await commandOf(name);
  const words = Object.entries(args)
    .filter(([, { type }]) => type === "positional")
    .map(([word, { required }]) => {
      const shown = `${word.toUpperCase()}${meta.repeats ? "..." : ""}`;
      return required === false ? `[${shown}]` : shown;
    });
  return [name, ...words].join(" ");
}

/** Reads a command line as the program does, with any number of names. @throws {UsageError} */
async function parse(words: readonly string[]): Promise<void> {
  const { command, ...line } = await readCommandLine(words, root);
  // Of --set "3 of 9" only the first word is quoted away.
  if (command === undefined) return;
  parsedArguments(line, command.args, { ...command.meta, repeats: true });
}

/** Where -h may stand. */
const places = [
  "-h NAME X",
  "X -h NAME",
  "NAME -h X",
  "NAME X -h",
  "X NAME -h",
  "X NAME -qh",
  "X -h",
];

describe.each(names)("the help of %s", (name) => {
  test("fits 80 columns", async () => {
    const lines = (await help(name, "--help")).split("\n");
    expect(lines.filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  });

  test("names the options that it takes, and these only", async () => {
    expect(optionsIn(await help(name, "--help"))).toEqual(optionsOf(await argsOf(name)));
  });

  test("leaves out what it refuses as unknown", async () => {
    const text = await help(name, "--help");
    for (const [option, { type }] of Object.entries(options)) {
      const isShown = new RegExp(`--${option}\\b`).test(text);
      if (isShown || option === "version" || Object.hasOwn(await argsOf(name), option)) continue;
      const value = type === "string" ? "=1" : "";
      const refused = parse([name, "a-lock", `--${option}${value}`]);
      expect(refused).rejects.toThrow(`unknown option --${option}`);
    }
  });

  test.each(casesOf(2, places))(
    `comes with %s, X being ${name}, and nothing is done`,
    async (words) => {
      const lockName = newLockName();
      const line = words.replace("X", name).replace("NAME", lockName).split(" ");
      expect(await help(...line)).toContain(
        `\nUsage: resourcelock ${await headOf(name)} [OPTIONS]`,
      );
      expect(objectsOf(lockName)).toEqual([]);
    },
  );

  test.each(casesOf(1, ["-V", "--version"]))(
    "gives way to the version with %s in any place",
    async (option) => {
      for (const line of [
        [option, name],
        [name, option],
        [name, newLockName(), option, "-h"],
      ]) {
        expect(await help(...line)).toBe(`resourcelock ${version}\n`);
      }
    },
  );
});

describe("the help of a command", () => {
  test.each(names)("%s begins with what it does, and then has examples", async (name) => {
    const { meta } = await commandOf(name);
    const text = await help(name, "-h");
    expect(text.replaceAll("\n", " ")).toStartWith(`${meta.description}`);
    if (meta.examples === undefined) return;
    const [, second = ""] = text.split("\n\n");
    expect(second).toStartWith("Examples:\n  resourcelock ");
  });

  test("tells in its first line how long it waits by default", async () => {
    expect(await help("run", "-h")).toMatch(/^Run [^.]* waits for the lock forever/);
    expect(await help("get", "-h")).toMatch(/^Take [^.]* waits for 0\.5 s/);
  });

  test("has examples that the command line takes", async () => {
    for (const name of names) {
      const { meta } = await commandOf(name);
      for (const [line] of meta.examples ?? []) {
        const words = (/^(?:[^|&>']|'[^']*')+/.exec(line)?.[0] ?? "")
          .trim()
          .split(/ +(?=(?:[^']*'[^']*')*[^']*$)/);
        await parse(words.map((word) => word.replaceAll(/["']/g, "")));
      }
    }
  });

  test("has flock's other spellings in a note, and not among the options", async () => {
    for (const name of ["run", "get", "wait"]) {
      const text = (await help(name, "--help")).replaceAll(/\s+/g, " ");
      expect(text).toContain("flock's -w, --wait and --timeout stand for -t, and --nb and");
      expect(text.includes("--exclusive are the default")).toBe(name === "run");
    }
    expect(optionsIn(await help("run", "--help")).join("\n")).not.toMatch(/--exclusive|--wait/);
  });

  test("is what help COMMAND prints, and that of the program what help prints", async () => {
    expect(await help("help", "run")).toBe(await help("run", "-h"));
    expect(await help("help")).toBe(await help("-h"));
  });

  test("that does not exist is refused, with a hint", async () => {
    const { status, stderr } = await resourcelock("help", "gte");
    expect(status).toBe(64);
    expect(stderr).toBe(
      'resourcelock: unknown command "gte"; did you mean get?\nresourcelock: try resourcelock help\n',
    );
  });
});

describe("the short help of the program", () => {
  test("fits a terminal of 24 rows and 80 columns, with its prompt", async () => {
    const lines = (await help("-h")).trimEnd().split("\n");
    expect(lines.filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
    expect(lines.length).toBeLessThan(24);
  });

  test("has three examples, and every command in its group", async () => {
    const text = await help("-h");
    expect(text.match(/^ {2}resourcelock /gm)).toHaveLength(3);
    for (const group of commandGroups) expect(text).toMatch(new RegExp(`^${group} `, "m"));
    for (const name of names) {
      expect((await commandOf(name)).meta.group).toBeDefined();
      expect(text).toMatch(new RegExp(`(?<=  |, )${name}(?=  |,|$)`, "m"));
    }
  });

  test("is on stderr, with status 64, for no words at all", async () => {
    const { status, stdout, stderr } = await resourcelock();
    expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
    expect(stderr).toBe(await help("-h"));
  });

  test.skipIf(!haveTools("tmux"))("fills the width of a terminal", async () => {
    for (const columns of [60, 100]) {
      const terminal = await Terminal.open({ columns });
      await terminal.command("resourcelock help run >/dev/tty");
      await terminal.prompt();
      await terminal.command("clear; resourcelock help run");
      const widths = (await terminal.prompt()).split("\n").map((line) => Bun.stringWidth(line));
      expect(Math.max(...widths)).toBeWithin(columns - 12, columns + 1);
    }
  });
});

describe("the long help of the program", () => {
  test("fits 80 columns", async () => {
    const lines = (await help("--help")).split("\n");
    expect(lines.filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  });

  test("names every command with what it does", async () => {
    const text = (await help("--help")).replaceAll(/\s+/g, " ");
    for (const name of names) {
      const command = await commandOf(name);
      expect(text).toContain(`${callOf(command)} ${command.meta.description}`);
    }
    expect(optionsIn(await help("--help"))).toEqual(["-h, --help", "-V, --version"]);
  });

  test("has the table of exit statuses, with every status that there is", async () => {
    const [, table = ""] = (await help("--help")).split("Exit status:\n");
    // A line that starts in the second column goes on with its row.
    const rows = table
      .trimEnd()
      .replaceAll(/\n {6,}(?=\S)/g, " ")
      .split("\n");
    expect(rows.map((row) => row.trim().split(/ {2,}/))).toEqual(
      exitCodeTexts.map((row) => [...row]),
    );
    const told = exitCodeTexts.map(([status]) => Number.parseInt(status, 10));
    expect(told).toEqual(Object.values(exitCodes));
  });

  test("is what wrong usage refers to", async () => {
    for (const words of [["no-such"], ["--no-such"], ["-q"]]) {
      const { status, stdout, stderr } = await resourcelock(...words);
      expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
      expect(stderr).toEndWith("\nresourcelock: try resourcelock --help\n");
    }
  });

  test("is the version with -V", async () => {
    expect(await help("-V")).toBe(`resourcelock ${version}\n`);
    expect(await help("--version")).toBe(`resourcelock ${version}\n`);
    expect(await help("version")).toBe(`resourcelock ${version}\n`);
  });
});

describe.skipIf(!haveTools("tmux"))("help on a narrow terminal", () => {
  test.each(["-h", "--help", "run -h"])("fits it in a pipe to a pager, too: %s", async (words) => {
    const terminal = await Terminal.open({ columns: 40 });
    const widest = Number.parseInt(await terminal.output(`resourcelock ${words} | wc -L`), 10);
    expect(widest).toBeGreaterThan(30);
    expect(widest).toBeLessThanOrEqual(40);
  });
});
