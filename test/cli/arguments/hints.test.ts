import { describe, expect, test } from "bun:test";
import { readCommandLine } from "../../../src/cli/arguments/command-line.ts";
import { allCommands, commandNames, lockCommands } from "../../../src/cli/arguments/command.ts";
import { root } from "../../../src/cli/root.ts";
import {
  commandHint,
  extraOptionHint,
  extraWordHint,
  noCommand,
  suggestion,
  twoCommands,
} from "../../../src/cli/arguments/hints.ts";

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
    ["completion", "complete"],
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

  test("leaves a word too many to what list and doctor say of it", async () => {
    expect(await errorFor("list list")).toBeUndefined();
    expect(await errorFor("list doctor")).toBeUndefined();
    expect(await errorFor("list wait")).toEndWith('for a lock "list", write "/list wait"');
  });

  test.each(["get lk", "list", "help run"])("takes %s for what it says", async (line) => {
    expect(await errorFor(line)).toBeUndefined();
  });
});

test("lockCommands are the commands that take a NAME", async () => {
  const commands = await allCommands(root);
  const takeNames = commands.filter(({ args }) => Object.hasOwn(args, "name"));
  expect(takeNames.map(({ name }) => name).toSorted()).toEqual(lockCommands.toSorted());
});

const told = async (line: string) =>
  noCommand(await readCommandLine(line.split(" "), root), names).message;

describe("noCommand()", () => {
  test("shows how a command is run under a lock when that was meant", async () => {
    expect(await told("demo echo hi there's")).toBe(
      `"demo" is not a command; to run echo under a lock: resourcelock run demo echo hi 'there'\\''s'`,
    );
    expect(await told("/tmp/x.lock echo hi")).toContain("resourcelock run x.lock echo hi");
    expect(await told("-n demo echo hi")).toEndWith("resourcelock run -n demo echo hi");
    expect(await told("-w 10 demo echo hi")).toEndWith("resourcelock run -w 10 demo echo hi");
    expect(await told("demo")).toEndWith(
      "put a command before it: run, get, unget, wait, state, trace, history, info, remove",
    );
    expect(await told("demo frobnicate")).toContain('neither "demo" nor "frobnicate" is a command');
  });
});

test("readCommandLine() takes -n before a command for that of most commands", async () => {
  const { command, positionals, options } = await readCommandLine(["-n", "get", "lk"], root);
  expect(command?.name).toBe("get");
  expect(positionals).toEqual(["lk"]);
  expect(options.map(({ name }) => name)).toEqual(["nonblock"]);
});

test("extraWordHint() tells what shows one lock, after a command that takes none", () => {
  expect(extraWordHint("list", "my lock")).toContain("resourcelock state 'my lock'");
  expect(extraWordHint("doctor", "list")).toContain("resourcelock state /list");
  expect(extraWordHint("toString", "x")).toBe("");
  expect(extraWordHint(undefined, "x")).toBe("");
});

test("extraWordHint() says that get runs no command, when it is given one", () => {
  expect(extraWordHint("get", "true")).toContain("get runs no command");
  expect(extraWordHint("get", "another-lock")).toContain("get takes one lock");
});

test("extraOptionHint() tells what flock's -u is", () => {
  expect(extraOptionHint("run", "-u")).toBe("; to release a lock: resourcelock unget NAME");
  expect(extraOptionHint("wait", "-u")).toBe("");
});

test("extraOptionHint() tells the get of a session when its locks are released", () => {
  expect(extraOptionHint("get", "--owner-pid")).toContain("when the session ends");
  expect(extraOptionHint("get", "--replace")).toContain("it is for run");
});
