/** Runs over objects that somebody has written over, thousands with --all: each ends decently. */
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { haveMountNamespaces, PrivateSharedMemory } from "../faults/private-shared-memory.ts";
import { isWhole } from "../support/binary.ts";
import { binary } from "../support/process.ts";
import { expectDecent } from "./outcome.ts";
import { Random } from "./random.ts";

/** What a word is more likely to be than chance would have it. */
const interesting = [
  0,
  1,
  2,
  3,
  4,
  5,
  8,
  31,
  32,
  33,
  1023,
  1024,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

const looking = [
  ["state", "x"],
  ["state", "x", "--json"],
  ["list", "--json"],
  ["history", "x"],
  ["wait", "x", "-t", "0.1"],
];
const taking = [
  ["run", "x", "-t", "0.2", "--", "true"],
  ["get", "x", "-t", "0"],
  ["unget", "x"],
  ["run", "x", "--shared", "-n", "--", "true"],
  ["run", "x", "--slots", "3", "-n", "--", "true"],
];
const tidying = [
  ["remove", "--stale"],
  ["remove", "x"],
  ["remove", "x", "--force"],
  ["doctor", "-q"],
  ["info", "x", "--set", "text"],
];

const canRun = await haveMountNamespaces();

/** Writes over a file, cuts it, or makes it longer. */
function spoil(random: Random, path: string): void {
  const bytes = readFileSync(path);
  for (let count = 1 + random.below(6); count > 0 && bytes.length >= 4; count--) {
    const at = 4 * random.below(Math.min(bytes.length, 4096) >> 2);
    bytes.writeUInt32LE(random.once(2) ? random.of(interesting) : random.below(2 ** 32), at);
  }
  writeFileSync(path, bytes);
  if (random.once(6)) {
    truncateSync(
      path,
      random.of([0, 1, 31, 32, 64, 127, 128, 200, 4095, 4096, 4097, 8192, 2 ** 20]),
    );
  }
}

test.skipIf(!canRun)(
  "spoilt objects end every command with a documented status, and it ends",
  async () => {
    const random = new Random("objects");
    await using memory = await PrivateSharedMemory.mount("size=64m,mode=1777");
    const files = ["x.ledger", "sem.x", "x"].map((file) => `${memory.directory}/${file}`);
    await memory.resourcelock("run", "x", "--slots", "2", "--", "true");
    await memory.resourcelock("get", "x", "-m", "held");
    for (const path of files) copyFileSync(path, `${path}.kept`);
    for (let round = 0; round < (isWhole ? 700 : 12); round++) {
      for (const path of files) copyFileSync(`${path}.kept`, path);
      spoil(random, random.once(4) ? random.of(files) : files[0]!);
      for (const words of [
        random.of(looking),
        random.of(taking),
        random.of([...looking, ...taking, ...tidying]),
      ]) {
        const outcome = await memory.run("timeout", "-k", "30", "20", binary, ...words);
        // 124: it was still at it after 20 s, which none of them may be.
        expect({ round, words, isHung: outcome.status === 124 }).toMatchObject({ isHung: false });
        expectDecent(words, outcome);
      }
    }
  },
  1_800_000,
);
