/** Colours: only where they are wanted, and never all that tells something. */
import { describe, expect, test } from "bun:test";
import { allCommands } from "../../../src/cli/arguments/command.ts";
import { root } from "../../../src/cli/root.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "../../faults/private-shared-memory.ts";
import { casesOf, haveTools } from "../../support/binary.ts";
import { binary } from "../../support/process.ts";

/** How long ago something was, which two runs tell differently. */
const ages = /\bjust now|\b\d+s ago/g;
// oxlint-disable-next-line no-control-regex
const colors = /\u001B\[[\d;]*m/g;

/** The commands that print results and may be told not to colour them, each with what it needs. */
const printing: [string, ...string[]][] = [["doctor"], ["history", "x"], ["list"], ["state", "x"]];

/** It draws until ^C, and on a terminal alone: trace-terminal.test.ts looks at its colours. */
const drawing = "trace";

const terminal = { TERM: "xterm" };

type Environment = Record<string, string>;

/** Prints what it does of a lock that is there, into a pipe, on a host that has no other. */
async function piped(words: readonly string[], environment: Environment = {}): Promise<string> {
  const [output] = await outputsOf([binary, ...words], environment);
  return output!;
}

/** The same on a terminal. */
async function onTerminal(words: readonly string[], environment: Environment): Promise<string> {
  const line = [binary, ...words].join(" ");
  const [output] = await outputsOf(["script", "-qc", line, "/dev/null"], environment);
  return output!;
}

/** What it prints in each of the environments, one after the other on the same host. */
async function outputsOf(words: readonly string[], ...environments: Environment[]) {
  await using memory = await PrivateSharedMemory.mount("size=1m");
  await memory.resourcelock("run", "x", "--", "true");
  const unset = ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"].map((name) => `--unset=${name}`);
  const outputs: string[] = [];
  for (const environment of environments) {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const { stdout, stderr } = await memory.run("env", ...unset, ...variables, ...words);
    expect(stderr).toBe("");
    outputs.push(stdout);
  }
  return outputs;
}

const canIsolate = await haveMountNamespaces();

describe.skipIf(!canIsolate).each(casesOf(1, printing))("%s", (...words) => {
  test("prints no colours into a pipe", async () => {
    expect(await piped(words, terminal)).not.toMatch(colors);
  });

  test("prints them there with FORCE_COLOR or CLICOLOR_FORCE, and says without them the same", async () => {
    const forced = [{ FORCE_COLOR: "1" }, { FORCE_COLOR: "3" }, { CLICOLOR_FORCE: "1" }];
    const [plain, ...painted] = await outputsOf([binary, ...words], {}, ...forced);
    for (const output of painted) {
      expect(output).toMatch(colors);
      expect(output.replaceAll(colors, "").replaceAll(ages, "AGE")).toBe(
        plain!.replaceAll(ages, "AGE"),
      );
    }
  });

  test.each<[string, Environment]>([
    ["CLICOLOR_FORCE=0", { CLICOLOR_FORCE: "0" }],
    ["CLICOLOR_FORCE=", { CLICOLOR_FORCE: "" }],
    ["NO_COLOR=1 beside CLICOLOR_FORCE=1", { CLICOLOR_FORCE: "1", NO_COLOR: "1" }],
    ["NO_COLOR=1 beside FORCE_COLOR=1", { FORCE_COLOR: "1", NO_COLOR: "1" }],
    ["FORCE_COLOR=0 beside CLICOLOR_FORCE=1", { CLICOLOR_FORCE: "1", FORCE_COLOR: "0" }],
    ["FORCE_COLOR=", { FORCE_COLOR: "" }],
  ])("prints none there with %s", async (_, environment) => {
    expect(await piped(words, { ...terminal, ...environment })).not.toMatch(colors);
  });

  test("prints none with --no-color, whatever the environment says", async () => {
    const forced = { CLICOLOR_FORCE: "1", FORCE_COLOR: "1" };
    expect(await piped([...words, "--no-color"], forced)).not.toMatch(colors);
  });

  describe.skipIf(!haveTools("script"))("on a terminal", () => {
    test("prints colours", async () => {
      expect(await onTerminal(words, terminal)).toMatch(colors);
      expect(await onTerminal(words, { ...terminal, NO_COLOR: "" })).toMatch(colors);
      expect(await onTerminal(words, { TERM: "dumb", CLICOLOR_FORCE: "1" })).toMatch(colors);
    });

    test("prints none where they are not wanted", async () => {
      expect(await onTerminal([...words, "--no-color"], terminal)).not.toMatch(colors);
      expect(await onTerminal(words, { ...terminal, NO_COLOR: "1" })).not.toMatch(colors);
      expect(await onTerminal(words, { TERM: "dumb" })).not.toMatch(colors);
      expect(await onTerminal(words, { ...terminal, FORCE_COLOR: "0" })).not.toMatch(colors);
    });
  });
});

test("every command that takes --no-color is tested", async () => {
  const taking: string[] = [];
  for (const { name, args } of await allCommands(root)) {
    if (Object.hasOwn(args, "no-color")) taking.push(name);
  }
  expect(taking.toSorted()).toEqual([...printing.map(([name]) => name), drawing].toSorted());
});
