/** Which tests run when, with which options. */

/** The tests that start dist/resourcelock: no coverage is seen there. All others run with coverage. */
const binaryFolders = [
  "test/cli/commands/",
  "test/peer/",
  "test/faults/",
  "test/documentation/",
  "test/crash/",
  "test/etcd/",
  "test/fuzz/",
  "test/model/",
  "test/package/",
  "test/bench/",
  "test/emulated/",
];

/** The tests that need the machine for themselves, because they keep all of its processors busy. */
const aloneFiles = [
  "test/bench/benchmark.",
  "test/crash/storm.",
  "test/etcd/soak.",
  "test/model/model.long.",
  "test/emulated/arm64.long.",
];

/** Files of this kind run with `--all` only. */
const longFiles = "**/*.long.test.ts";

/** Longer than a wait of test/support/process.ts, so that a wait that is in vain is told by what it waits for. */
const limitMilliseconds = 300_000;

export interface TestGroup {
  title: string;
  /** The arguments of `bun test`. */
  words: readonly string[];
}

export interface GroupOptions {
  /** Whether the long tests run too. */
  all: boolean;
  /** How many files run at once. */
  parallel: number;
}

/** The groups of tests, in their order. */
export function testGroups({ all, parallel }: GroupOptions): TestGroup[] {
  const common = [`--timeout=${limitMilliseconds}`, ...ignore(all ? [] : [longFiles])];
  const alone = ignore(aloneFiles.map((file) => `${file}*`));
  const binary = ignore(binaryFolders.map((folder) => `${folder}**`));
  return [
    {
      title: "unit and property tests",
      words: [...common, "--coverage", ...binary, ...alone],
    },
    {
      title: "tests of the binary",
      words: [...common, `--parallel=${parallel}`, ...binaryFolders, ...alone],
    },
    {
      title: "tests that need the machine for themselves",
      words: [...common, ...aloneFiles],
    },
  ];
}

/** The group of the tests that somebody asks for by a part of their path. */
export function chosenGroup(words: readonly string[], { all }: { all: boolean }): TestGroup {
  const withLong = all || words.some((word) => word.includes(".long"));
  return {
    title: words.join(" "),
    words: [`--timeout=${limitMilliseconds}`, ...ignore(withLong ? [] : [longFiles]), ...words],
  };
}

function ignore(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => `--path-ignore-patterns=${pattern}`);
}
