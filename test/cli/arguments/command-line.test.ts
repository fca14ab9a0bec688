import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parsedArguments } from "../../../src/cli/arguments/arguments.ts";
import { type CommandLine, readCommandLine } from "../../../src/cli/arguments/command-line.ts";
import { commandNames } from "../../../src/cli/arguments/command.ts";
import { noCommand } from "../../../src/cli/arguments/hints.ts";
import { options } from "../../../src/cli/arguments/options.ts";
import { aliasesOf, UsageError } from "../../../src/cli/arguments/words.ts";
import { root } from "../../../src/cli/root.ts";

const read = (line: string) => readCommandLine(line.split(" "), root);

/** The arguments that the line's command gets. */
function argumentsOf(line: CommandLine): object {
  return parsedArguments(line, line.command?.args ?? {}, line.command?.meta);
}

/** The options of cjnfuncs.resourcelock, in all forms that Python's argparse takes. */
const seedOptions = {
  "get-timeout": ["-t 0.2", "-t0.2", "-t=0.2", "--get-timeout 0.2", "--get-timeout=0.2", "--g 0.2"],
  message: ["-m text", "-mtext", "--message text", "--message=text", "--mess=text", "--m text"],
  "auto-unget": ["-a 3", "-a3", "--auto-unget 3", "--auto=3", "--a 3"],
  update: ["-u 0.1", "-u0.1", "--update=0.1", "--up 0.1", "--u=0.1"],
};
const seedCommands = ["get", "unget", "state", "trace"];
const places = ["OPTION NAME COMMAND", "NAME OPTION COMMAND", "NAME COMMAND OPTION"];

describe("readCommandLine() in the order of the Python tool", () => {
  test.each(seedCommands)("takes each of its options with %s in any place", async (command) => {
    for (const [name, forms] of Object.entries(seedOptions)) {
      for (const form of forms) {
        for (const place of places) {
          const text = place
            .replace("OPTION", form)
            .replace("NAME", "lk")
            .replace("COMMAND", command);
          const line = await read(text);
          const takes = Object.hasOwn(line.command?.args ?? {}, name);
          expect({ text, seedOrder: line.seedOrder, name: line.command?.name }).toEqual({
            text,
            seedOrder: true,
            name: command,
          });
          expect(argumentsOf(line)).toMatchObject({ _: ["lk"], name: "lk" });
          expect(line.options.map((option) => option.name)).toEqual(takes ? [name] : []);
        }
      }
    }
  });

  test("takes any of them together, in any places", async () => {
    const option = fc.constantFrom(...Object.values(seedOptions).flat());
    const some = fc.array(option, { maxLength: 3 });
    const command = fc.constantFrom(...seedCommands);
    await fc.assert(
      fc.asyncProperty(some, some, some, command, async (one, two, three, name) => {
        const words = [...one, "lk", ...two, name, ...three].join(" ");
        const line = await read(words);
        expect(line.seedOrder).toBe(true);
        expect(argumentsOf(line)).toMatchObject({ _: ["lk"], name: "lk" });
      }),
    );
  });

  test("takes a name or a command after a --, as argparse does", async () => {
    for (const text of ["-- -lk get", "-t 5 -- -lk get", "-m x -- -lk get"]) {
      expect(argumentsOf(await read(text))).toMatchObject({ name: "-lk" });
    }
    expect(await read("lk -- state")).toMatchObject({ seedOrder: true, positionals: ["lk"] });
  });

  test("takes a comma in a name, as the Python tool has no lists", async () => {
    expect(argumentsOf(await read("a,b get"))).toMatchObject({ name: "a,b" });
    const line = await read("get a,b");
    expect(() => argumentsOf(line)).toThrow(UsageError);
  });

  test("is only that of its own four commands", async () => {
    expect(await read("lk wait")).toMatchObject({ seedOrder: false });
    expect(await read("lk run true")).toMatchObject({ seedOrder: false, rest: ["true"] });
  });
});

describe("readCommandLine() in our order", () => {
  test.each([
    ["state -t 5 lk", "unknown option -t"],
    ["get --mess=text lk", "unknown option --mess; did you mean --message?"],
    ["get --g 5 lk", "unknown option --g"],
  ])("%s is refused: the command does not have it", async (text, message) => {
    const line = await read(text);
    expect(line.seedOrder).toBe(false);
    expect(() => argumentsOf(line)).toThrow(message);
  });

  test.each([
    ["run lk -w 5 true", { "get-timeout": "5" }],
    ["run lk --wait 5 true", { "get-timeout": "5" }],
    ["run lk --timeout=5 true", { "get-timeout": "5" }],
    ["run lk --nb true", { nonblock: true }],
    ["run lk --nonblocking true", { nonblock: true }],
    ["run -x lk true", { exclusive: true }],
    ["run -e lk true", { exclusive: true }],
    ["run --exclusive lk true", { exclusive: true }],
    ["run -s lk true", { shared: true }],
    ["run -E 3 -o lk true", { "conflict-exit-code": "3", close: true }],
    ["get -n lk", { nonblock: true }],
    ["wait -w 3 lk", { "get-timeout": "3" }],
  ])("%s is understood as flock would", async (text, expected) => {
    expect(argumentsOf(await read(text))).toMatchObject({ name: "lk", ...expected });
  });

  test("--t is no option: a letter has one dash", async () => {
    expect((await read("run lk --n true")).options.map(({ name }) => name)).toEqual([undefined]);
  });

  test.each([
    ["run lk grep -h foo", ["grep", "-h", "foo"]],
    ["run lk -q grep -q", ["grep", "-q"]],
    ["run -t 5 lk -- -x", ["-x"]],
    ["run lk -- a -- b", ["a", "--", "b"]],
    ["run lk a -- b", ["a", "--", "b"]],
    ["lk run get", ["get"]],
    ["run lk", []],
    ["run lk --", []],
  ])("%s has %j for the other program", async (text, rest) => {
    const line = await read(text);
    expect(line.positionals).toEqual(["lk"]);
    expect(line.rest).toEqual(rest);
    expect(text.split(" ").slice(line.restAt)).toEqual(rest);
  });

  test("never reads what is after the first word of run's command, whatever that is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string()), async (words) => {
        const line = await readCommandLine(["run", "-q", "lk", "cmd", ...words], root);
        expect(line.rest).toEqual(["cmd", ...words]);
        expect(line.options).toHaveLength(1);
      }),
    );
  });
});

const commands = await commandNames(root);

/** What was read; undefined if the line was refused. */
async function outcomeOf(given: readonly string[]): Promise<CommandLine | undefined> {
  try {
    return await readCommandLine(given, root);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return undefined;
  }
}

describe("readCommandLine() of any words", () => {
  const names = Object.keys(options).map((name) => `--${name}`);
  const aliases = Object.values(options).flatMap(aliasesOf);
  const letters = aliases.filter((alias) => alias.length === 1).map((letter) => `-${letter}`);
  const word = fc.oneof(
    fc.constantFrom(...commands),
    fc.constantFrom(...names, ...letters, ...aliases.map((alias) => `--${alias}`)),
    fc.constantFrom(
      "lk",
      "/lk",
      "a,b",
      "5",
      "-1",
      "--",
      "-",
      "",
      "--mess=x",
      "--g",
      "-qt5",
      "--=x",
    ),
    fc.string({ maxLength: 6 }),
  );
  const words = fc.array(word, { maxLength: 8 });

  test("fails only with a UsageError, to the arguments of the command", async () => {
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const line = await outcomeOf(given);
        if (line?.command === undefined) return;
        try {
          const parsed = argumentsOf(line);
          expect(Object.values(parsed)).not.toContain(undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("tells of a line without a command what is wrong with it", async () => {
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const line = await outcomeOf(given);
        if (line === undefined || line.command !== undefined) return;
        expect(noCommand(line, commands).message).not.toBe("");
      }),
      { numRuns: 1000 },
    );
  });

  test("keeps the order of words, and hands on the end of the line as it is", async () => {
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const line = await outcomeOf(given);
        if (line === undefined) return;
        const end = line.rest.length === 0 ? [] : given.slice(-line.rest.length);
        expect(end).toEqual([...line.rest]);
        let from = 0;
        for (const positional of line.positionals) {
          const at = given.indexOf(positional, from);
          expect(at).toBeGreaterThanOrEqual(from);
          from = at + 1;
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("reads the words of another program never, wherever run stands", async () => {
    const before = fc.constantFrom(["run", "lk"], ["lk", "run"], ["run", "-q", "lk", "-t", "5"]);
    await fc.assert(
      fc.asyncProperty(before, words, async (first, others) => {
        const line = await readCommandLine([...first, "--", ...others], root);
        expect(line.rest).toEqual(others);
        expect(line.positionals).toEqual(["lk"]);
      }),
      { numRuns: 500 },
    );
  });
});
