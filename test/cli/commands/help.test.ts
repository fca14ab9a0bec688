/** What the help tells, against what the commands take. */
import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { version } from "../../../package.json";
import { type Command, commandNames, loadCommand } from "../../../src/cli/arguments/command.ts";
import { options } from "../../../src/cli/arguments/options.ts";
import { callOf } from "../../../src/cli/arguments/usage.ts";
import { exitCodes, exitCodeTexts } from "../../../src/cli/exit-code.ts";
import { root } from "../../../src/cli/root.ts";
import { newLockName, resourcelock } from "../../support/binary.ts";
import { objectsOf } from "./scenario.ts";

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
    if (definition.type === "positional") return [];
    const alias = "alias" in definition ? `-${String(definition.alias)}, ` : "";
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
      if (new RegExp(`--${option}\\b`).test(text) || option === "version") continue;
      const value = type === "string" ? "=1" : "";
      const lockName = newLockName();
      const { status, stderr } = await resourcelock(name, lockName, `--${option}${value}`);
      expect(stderr).toStartWith(`resourcelock: unknown option --${option}`);
      expect(status).toBe(64);
      expect(objectsOf(lockName)).toEqual([]);
    }
  });

  test.each([
    "-h NAME X",
    "X -h NAME",
    "NAME -h X",
    "NAME X -h",
    "X NAME -h",
    "X NAME -qh",
    "X -h",
  ])(`comes with %s, X being ${name}, and nothing is done`, async (words) => {
    const lockName = newLockName();
    const line = words.replace("X", name).replace("NAME", lockName).split(" ");
    expect(await help(...line)).toStartWith(`Usage: resourcelock ${await headOf(name)} [OPTIONS]`);
    expect(objectsOf(lockName)).toEqual([]);
  });

  test.each(["-V", "--version"])(
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

describe("the help of the program", () => {
  test("fits 80 columns", async () => {
    const lines = (await help("--help")).split("\n");
    expect(lines.filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  });

  test("names every command with what it does", async () => {
    const text = (await help("-h")).replaceAll(/\s+/g, " ");
    for (const name of names) {
      const command = await commandOf(name);
      expect(text).toContain(`${callOf(command)} ${command.meta.description}`);
    }
    expect(optionsIn(await help("-h"))).toEqual(["-h, --help", "-V, --version"]);
  });

  test("has the table of exit statuses, with every status that there is", async () => {
    const [, table = ""] = (await help("-h")).split("Exit status:\n");
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

  test("is printed for -h alone, and what it is wrong to say refers to it", async () => {
    expect(await help("-h")).toBe(await help("--help"));
    for (const words of [[], ["no-such"], ["--no-such"]]) {
      const { status, stdout, stderr } = await resourcelock(...words);
      expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
      expect(stderr).toEndWith("\nresourcelock: try resourcelock --help\n");
    }
  });

  test("is the version with -V", async () => {
    expect(await help("-V")).toBe(`resourcelock ${version}\n`);
    expect(await help("--version")).toBe(`resourcelock ${version}\n`);
  });
});
