import { describe, expect, test } from "bun:test";
import { readCommandLine } from "../../../src/cli/arguments/command-line.ts";
import { commandNames } from "../../../src/cli/arguments/command.ts";
import { root } from "../../../src/cli/root.ts";
import { commandHint, suggestion, twoCommands } from "../../../src/cli/arguments/hints.ts";

describe("suggestion()", () => {
  const commands = ["run", "get", "unget", "state", "trace"];

  test.each([
    ["sate", "state"],
    ["gte", "get"],
    ["unegt", "unget"],
    ["rnu", "run"],
    ["tracee", "trace"],
  ])("for %s is %s", (word, meant) => {
    expect(suggestion(word, commands)).toBe(`; did you mean ${meant}?`);
  });

  test("for the beginning of a long word is that word", () => {
    expect(suggestion("--cheese", ["--check"])).toBe("");
    expect(suggestion("--conf", ["--conflict-exit-code"])).toContain("--conflict-exit-code");
  });

  test("is none that is far off", () => {
    expect(suggestion("--waiting", ["--quiet", "--mode"])).toBe("");
    expect(suggestion("--until", ["--quiet"])).toBe("");
  });

  test.each([["frobnicate"], ["x"], [""], ["foo"]])("for %j is none", (word) => {
    expect(suggestion(word, commands)).toBe("");
  });
});

describe("commandHint()", () => {
  test.each([
    ["ls", "list"],
    ["unlock", "unget"],
    ["stat", "state"],
  ])("for %s is %s", (word, meant) => {
    expect(commandHint(word, ["list", "unget", "state"])).toBe(`; did you mean ${meant}?`);
  });

  test("is empty when nothing is near", () => {
    expect(commandHint("toString", ["list", "unget", "state"])).toBe("");
  });
});

const names = await commandNames(root);

const errorFor = async (line: string) =>
  twoCommands(await readCommandLine(line.split(" "), root), names)?.message;

describe("twoCommands()", () => {
  test("says how a lock of that name is written when two commands stand in a line", async () => {
    expect(await errorFor("get run")).toBe(
      '"get" and "run" are both commands; for a lock "run", write "/run"',
    );
  });

  test.each(["get lk", "list", "help run"])("takes %s for what it says", async (line) => {
    expect(await errorFor(line)).toBeUndefined();
  });
});
