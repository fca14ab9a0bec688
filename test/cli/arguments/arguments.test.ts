import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  commonOptions,
  nameArgument,
  options,
  parsedArguments,
  splitWords,
  suggestion,
} from "../../../src/cli/arguments/arguments.ts";
import { UsageError } from "../../../src/cli/arguments/usage-error.ts";

/** The names and values of the options in a line of words. */
function optionsIn(line: string): string[] {
  return splitWords(line.split(" "), options).options.map(
    ({ name, shown, value }) =>
      `${name ?? `unknown ${shown}`}${value === undefined ? "" : `=${value}`}`,
  );
}

describe("splitWords()", () => {
  test.each([
    ["-t 5 x", ["get-timeout=5"]],
    ["-t5 x", ["get-timeout=5"]],
    ["-t=5 x", ["get-timeout=5"]],
    ["-t -1 x", ["get-timeout=-1"]],
    ["-t-1 x", ["get-timeout=-1"]],
    ["--get-timeout=-1 x", ["get-timeout=-1"]],
    ["--get-timeout -1 x", ["get-timeout=-1"]],
    ["-qt5 x", ["quiet", "get-timeout=5"]],
    ["-qv x", ["quiet", "verbose"]],
    ["--message= x", ["message="]],
    ["--message=a=b x", ["message=a=b"]],
    ["-m -weird x", ["message=-weird"]],
    ["x -Z", ["unknown -Z"]],
    ["x --toString", ["unknown --toString"]],
    ["x --name=y", ["unknown --name=y"]],
    ["-- -t 5", []],
  ])("%s", (line, expected) => {
    expect(optionsIn(line)).toEqual(expected);
  });

  test.each([
    ["x -t", "-t needs a value"],
    ["x --message", "--message needs a value"],
    ["x -t -- y", "-t needs a value"],
    ["-t -q x", "if -q is its value, write -t-q"],
    ["--message --quiet x", "if --quiet is its value, write --message=--quiet"],
    ["x --quiet=yes", "--quiet takes no value"],
  ])("%s is an error", (line, message) => {
    expect(() => optionsIn(line)).toThrow(UsageError);
    expect(() => optionsIn(line)).toThrow(message);
  });

  test("keeps the words that are no options, in their order", () => {
    const { positionals } = splitWords(["-q", "a", "-t", "5", "-", "b", "--", "-c", "--"], options);
    expect(positionals).toEqual(["a", "-", "b", "-c", "--"]);
  });

  test("never fails but with a UsageError", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--", "-t", "-1", "--message", "-qm", "--json"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          splitWords(words, options);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe("parsedArguments()", () => {
  const definitions = { name: nameArgument, message: options.message, quiet: options.quiet };
  const strict = (line: string, operands?: string) =>
    parsedArguments(splitWords(line.split(" "), options), definitions, { operands });

  test("gives each option its value, and each positional its word", () => {
    const more = { ...commonOptions, name: nameArgument, update: options.update };
    const parsed = parsedArguments(splitWords("-q x --json -q".split(" "), options), more);
    expect(parsed).toEqual({ _: ["x"], name: "x", quiet: true, json: true, update: "0.5" });
    expect(strict("-m 1 x -m -1")).toEqual({ _: ["x"], name: "x", message: "-1" });
  });

  test("leaves out a positional that may be missing, and takes several of one that repeats", () => {
    const optional = { name: { ...nameArgument, required: false } };
    expect(parsedArguments(splitWords([], options), optional)).toEqual({ _: [] });
    const words = splitWords(["a", "b"], options);
    const several = parsedArguments(words, optional, { repeats: true });
    expect(several).toEqual({ _: ["a", "b"], name: "a" });
  });

  test.each([
    ["x --mesage=y", "unknown option --mesage; did you mean --message?"],
    ["x -u 5", "unknown option -u"],
    ["-q", "NAME is missing"],
    ["x y", 'unexpected word "y"'],
  ])("%s is an error", (line, message) => {
    expect(() => strict(line)).toThrow(message);
  });

  test("says where a command's words belong", () => {
    expect(() => strict("x echo", "-- COMMAND")).toThrow("behind a --");
  });
});

describe("suggestion()", () => {
  test.each([
    ["sate", "state"],
    ["gte", "get"],
    ["unegt", "unget"],
    ["rnu", "run"],
    ["tracee", "trace"],
  ])("%s was meant to be %s", (word, meant) => {
    expect(suggestion(word, ["run", "get", "unget", "state", "trace"])).toBe(
      `; did you mean ${meant}?`,
    );
  });

  test.each([["frobnicate"], ["x"], [""]])("%j was meant to be none of them", (word) => {
    expect(suggestion(word, ["run", "get", "unget", "state", "trace"])).toBe("");
  });
});
