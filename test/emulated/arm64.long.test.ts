/** The arm64 binary, emulated where this is no such machine, in the tests of its commands. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd } from "../support/process.ts";
import { root } from "../support/clone.ts";
import { emulatedBinary } from "./emulation.ts";
import { limits } from "./limits.ts";
import { type TestResult, testResults } from "../../scripts/testing/report.ts";

/** They read what the program prints of itself and how it draws, which no processor changes, in hundreds of starts. */
const textFiles = ["help", "complete", "man", "colors", "trace-terminal"].map(
  (name) => `**/${name}.test.ts`,
);

/** Runs the tests in processes of their own, and gives what each came to. */
async function testWith(binary: string): Promise<TestResult[]> {
  const directory = mkdtempSync(join(tmpdir(), "test-emulated-"));
  try {
    const report = join(directory, "report.xml");
    const words = ["test", "./test/cli/commands/", "--parallel=2", "--timeout=600000"];
    words.push("--reporter=junit", ...textFiles.map((glob) => `--path-ignore-patterns=${glob}`));
    const outcome = await runToEnd([process.execPath, ...words, `--reporter-outfile=${report}`], {
      cwd: root,
      deadlineSeconds: 1800,
      // Under qemu each start takes seconds: of tables of alike cases, some have to do.
      env: {
        RESOURCELOCK_BINARY: binary,
        RESOURCELOCK_LONG_TESTS: undefined,
        TEST_DEADLINE_SECONDS: "400",
      },
    });
    if (!/^Ran \d+ tests? across/m.test(outcome.stderr)) {
      throw new Error(`bun test ended without its summary:\n${outcome.stderr}`);
    }
    return testResults(await Bun.file(report).text());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const emulated = await emulatedBinary();
const results = emulated === undefined ? [] : await testWith(emulated);

describe.skipIf(emulated === undefined)("the arm64 binary", () => {
  for (const { name, result, text } of results) {
    if (limits.has(name)) continue;
    test.skipIf(result === "skipped")(name, () => {
      expect(text).toBe("");
    });
  }

  test("fails where limits.ts says that qemu cannot do it, and only there", () => {
    const failed = results.filter(({ result }) => result === "failed").map(({ name }) => name);
    expect(failed.toSorted()).toEqual([...limits.keys()].toSorted());
  });
});
