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

  test.each([["frobnicate"], ["x"], [""]])("for %j is none", (word) => {
    expect(suggestion(word, commands)).toBe("");
  });
});
