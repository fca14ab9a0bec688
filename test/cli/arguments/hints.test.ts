import { describe, expect, test } from "bun:test";
import { suggestion } from "../../../src/cli/arguments/hints.ts";

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
