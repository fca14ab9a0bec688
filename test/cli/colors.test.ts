/** Colours: only where they are wanted, and never all that tells something. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { commands } from "../../src/cli/root.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "../faults/private-shared-memory.ts";
import { binary, haveTools, maskDates } from "../support/binary.ts";

setDefaultTimeout(60_000);

// oxlint-disable-next-line no-control-regex
const colors = /\u001B\[[\d;]*m/g;

/** The commands that print results and may be told not to colour them, each with what it needs. */
const colored: [string, ...string[]][] = [["doctor"], ["list"]];

const terminal = { TERM: "xterm" };

type Environment = Record<string, string>;

/** Prints what it does of a lock that is there, into a pipe, on a host that has no other. */
async function piped(words: readonly string[], environment: Environment = {}): Promise<string> {
  return outputOf([binary, ...words], environment);
}

/** The same on a terminal. */
async function onTerminal(words: readonly string[], environment: Environment): Promise<string> {
  return outputOf(["script", "-qc", [binary, ...words].join(" "), "/dev/null"], environment);
}

async function outputOf(words: readonly string[], environment: Environment): Promise<string> {
  await using memory = await PrivateSharedMemory.mount("size=1m");
  await memory.resourcelock("run", "x", "--", "true");
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const unset = ["NO_COLOR", "CLICOLOR_FORCE"].map((name) => `--unset=${name}`);
  const { stdout, stderr } = await memory.run("env", ...unset, ...variables, ...words);
  expect(stderr).toBe("");
  return stdout;
}

/** Without what differs between two hosts that are alike. */
const masked = (text: string) => maskDates(text).replaceAll(/\d+ (?=[KM]iB)/g, "N ");

const canIsolate = await haveMountNamespaces();

describe.skipIf(!canIsolate).each(colored)("%s", (...words) => {
  test("prints no colours into a pipe", async () => {
    expect(await piped(words, terminal)).not.toMatch(colors);
  });

  test("prints them there with CLICOLOR_FORCE, and says without them the same", async () => {
    const painted = await piped(words, { CLICOLOR_FORCE: "1" });
    expect(painted).toMatch(colors);
    expect(masked(painted.replaceAll(colors, ""))).toBe(masked(await piped(words)));
  });

  test.each<[string, Environment]>([
    ["CLICOLOR_FORCE=0", { CLICOLOR_FORCE: "0" }],
    ["CLICOLOR_FORCE=", { CLICOLOR_FORCE: "" }],
    ["NO_COLOR=1 beside CLICOLOR_FORCE=1", { CLICOLOR_FORCE: "1", NO_COLOR: "1" }],
  ])("prints none there with %s", async (_, environment) => {
    expect(await piped(words, { ...terminal, ...environment })).not.toMatch(colors);
  });

  test("prints none with --no-color, whatever the environment says", async () => {
    expect(await piped([...words, "--no-color"], { CLICOLOR_FORCE: "1" })).not.toMatch(colors);
  });

  describe.skipIf(!haveTools("script"))("on a terminal", () => {
    test("prints colours", async () => {
      expect(await onTerminal(words, terminal)).toMatch(colors);
      expect(await onTerminal(words, { ...terminal, NO_COLOR: "" })).toMatch(colors);
    });

    test("prints none where they are not wanted", async () => {
      expect(await onTerminal([...words, "--no-color"], terminal)).not.toMatch(colors);
      expect(await onTerminal(words, { ...terminal, NO_COLOR: "1" })).not.toMatch(colors);
      expect(await onTerminal(words, { TERM: "dumb" })).not.toMatch(colors);
    });
  });
});

test("every command that takes --no-color is tested here", async () => {
  const taking: string[] = [];
  for (const [name, load] of Object.entries(commands)) {
    if (Object.hasOwn((await load()).args, "no-color")) taking.push(name);
  }
  expect(taking.toSorted()).toEqual(colored.map(([name]) => name).toSorted());
});
