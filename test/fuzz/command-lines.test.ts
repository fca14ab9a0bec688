/** Random command lines, thousands with --all: each ends with a documented status, in words, and when it is told to. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { options } from "../../src/cli/arguments/options.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "../faults/private-shared-memory.ts";
import { isWhole } from "../support/binary.ts";
import { binary } from "../support/process.ts";
import { endedInTime, expectDecent } from "./outcome.ts";
import { Random, runAll } from "./random.ts";

const commands =
  "run get unget wait state list trace history info remove doctor help version man complete".split(
    " ",
  );
const longOptions = Object.keys(options).filter((name) => name !== "server");
/** What stands for a value, a name, or anything else. */
const values = [
  ..."0 1 -1 0.2 1e3 2s 5m 1h30m 99999999999999999999 NaN Infinity 0x10 600 0660 777 8 root cli".split(
    " ",
  ),
  ..."x y lock a,b /x x/y . .. sem.x x.ledger name --json -n -t -q -- - = --=x -= --no- exclusive age".split(
    " ",
  ),
  "",
  " ",
  "\n",
  "\u001B[31m",
  "é",
  "🔒",
  "\u202E",
  "ä,ö",
  "m".repeat(300),
  "x".repeat(5000),
  "$(id)",
  "'",
];
const usualValues = ["0", "0.2", "1", "2s", "x", "text"];
const innerCommands = [
  ["true"],
  ["false"],
  ["sh", "-c", "exit 3"],
  ["/nonexistent"],
  ["/etc/passwd"],
  [""],
];

const lineCount = isWhole ? 2_500 : 60;

function randomLine(random: Random): string[] {
  const words: string[] = random.once(8) ? [] : [random.of(commands)];
  if (!random.once(6)) words.push(random.of(["x", "y", "lock", random.of(values)]));
  // The seed's order.
  if (random.once(5)) words.reverse();
  for (let count = random.below(random.once(2) ? 2 : 5); count > 0; count--) {
    const value = random.of(random.once(2) ? usualValues : values);
    const name = random.of(longOptions);
    const word = random.of([
      [`--${name}`],
      [`--${name}=${value}`],
      [`--${name}`, value],
      [`--${name.slice(0, 1 + random.below(name.length))}`],
      [`-${random.of("abcdefhmnqstuvxyzCEFVX".split(""))}`],
      [`-${random.of("tmEau".split(""))}`, value],
      [`-${random.of("qvnts".split(""))}${value}`],
      [value],
    ]);
    words.splice(random.below(words.length + 1), 0, ...word);
  }
  if (random.once(3)) words.push("--", ...random.of(innerCommands));
  return words;
}

test.skipIf(!(await haveMountNamespaces()))(
  "any command line ends with a documented status and without a stack",
  async () => {
    const random = new Random("command lines");
    await using memory = await PrivateSharedMemory.mount("size=64m,mode=1777");
    const directory = mkdtempSync(`${tmpdir()}/resourcelock-fuzz-`);
    const lines = Array.from({ length: lineCount }, () => randomLine(random));
    const statuses = new Map<number, number>();
    // A NUL cannot stand in an argument, and has no line here.
    await runAll(lines, 4, async (words) => {
      const outcome = await memory.run(
        "timeout",
        "-k",
        "30",
        "2",
        "env",
        "-C",
        directory,
        "sh",
        "-c",
        '"$@" </dev/null',
        "sh",
        binary,
        ...words,
      );
      // The commands' own, those that -E names, and that of env and sh for words that are too long.
      const own = words.filter((word) => /^\d+$/.test(word)).map((word) => Number(word) & 255);
      expectDecent(words, outcome, [3, 143, 2, ...own]);
      statuses.set(outcome.status, (statuses.get(outcome.status) ?? 0) + 1);
    });
    rmSync(directory, { recursive: true });
    console.log("statuses:", Object.fromEntries(statuses));
    // They are worth something: many do what they say, many wait, and nothing is left.
    expect(statuses.get(0) ?? 0).toBeGreaterThan(lineCount / 25);
    expect(statuses.get(64) ?? 0).toBeGreaterThan(lineCount / 25);
    expect(statuses.get(endedInTime) ?? 0).toBeLessThan(lineCount / 2.5);
  },
  1_800_000,
);
