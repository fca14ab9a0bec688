import { describe, expect, test } from "bun:test";
import { outputOptions, parsedArguments } from "../../../src/cli/arguments/arguments.ts";
import {
  commonOptions,
  nameArgument,
  nameListArgument,
  options,
} from "../../../src/cli/arguments/options.ts";
import { WordReader } from "../../../src/cli/arguments/words.ts";

function lineOf(words: readonly string[], rest: readonly string[] = []) {
  const reader = new WordReader(words, options);
  const positionals = reader.takeAll();
  return { options: reader.options, positionals, rest, seedOrder: false };
}

describe("parsedArguments()", () => {
  const definitions = { name: nameArgument, message: options.message, quiet: options.quiet };
  const strict = (line: string) => parsedArguments(lineOf(line.split(" ")), definitions);

  test("gives each option its value, and each positional its word", () => {
    const more = { ...commonOptions, name: nameArgument, update: options.update };
    const parsed: object = parsedArguments(lineOf("-q x --json -q".split(" ")), more);
    expect(parsed).toEqual({ _: ["x"], name: "x", quiet: true, json: true, update: "0.5" });
    const again: object = strict("-m 1 x -m -1");
    expect(again).toEqual({ _: ["x"], name: "x", message: "-1" });
  });

  test("leaves out a positional that may be missing", () => {
    const optional = { name: { ...nameArgument, required: false } };
    expect(Object.keys(parsedArguments(lineOf([]), optional))).toEqual(["_"]);
  });

  test("takes several words of a positional that repeats", () => {
    const line = lineOf(["a", "b"]);
    const parsed: object = parsedArguments(line, { name: nameArgument }, { repeats: true });
    expect(parsed).toEqual({ _: ["a", "b"], name: "a" });
  });

  test("has another program's words after those that are its own", () => {
    const parsed = parsedArguments(lineOf(["a"], ["grep", "-h"]), { name: nameArgument });
    expect(parsed._).toEqual(["a", "grep", "-h"]);
  });

  test.each([
    ["x --mesage=y", "unknown option --mesage; did you mean --message?"],
    ["x -u 5", "unknown option -u"],
    ["-q", "NAME is missing"],
    ["x y", 'unexpected word "y"'],
  ])("refuses %s", (line, message) => {
    expect(() => strict(line)).toThrow(message);
  });

  test("refuses a comma in the name of one lock, but for a leading slash and the seed's order", () => {
    const one = { name: nameArgument };
    expect(() => parsedArguments(lineOf(["a,b"]), one)).toThrow('"a,b" has a comma');
    expect(parsedArguments(lineOf(["/a,b"]), one)).toMatchObject({ name: "/a,b" });
    const seedLine = { ...lineOf(["a,b"]), seedOrder: true };
    expect(parsedArguments(seedLine, one)).toMatchObject({ name: "a,b" });
    expect(parsedArguments(lineOf(["a,b"]), { name: nameListArgument })).toMatchObject({
      name: "a,b",
    });
  });

  test("refuses two options that exclude each other, a default not counted", () => {
    const some = { shared: options.shared, slots: { ...options.slots, default: "1" } };
    const meta = { conflicts: [["shared", "slots"]] };
    expect(() => parsedArguments(lineOf(["--slots=2", "--shared"]), some, meta)).toThrow(
      "give --shared or --slots, not both",
    );
    expect(parsedArguments(lineOf(["--shared"]), some, meta)).toMatchObject({ slots: "1" });
  });
});

test("outputOptions() speaks in our voice when citty itself runs the command", () => {
  expect(outputOptions({ json: true }, undefined)).toEqual({
    json: true,
    quiet: false,
    verbose: false,
    seedOrder: false,
  });
});
