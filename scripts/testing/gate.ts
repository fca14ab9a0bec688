/** The gate: checks, then tests, each step with its heading and its time; called by scripts/test. */
import { availableParallelism } from "node:os";
import { slowestText, type TestResult, testResults, totalText } from "./report.ts";
import { chosenGroup, type TestGroup, testGroups } from "./sets.ts";
import { printHeading, runStep } from "./step.ts";

const checks = {
  "format: bun fmt --check": ["bun", "fmt", "--check"],
  "types: bun check": ["bun", "check"],
  "lint: oxlint": ["oxlint"],
  "unused code: knip": ["knip", "--no-config-hints"],
};

/** More files at once than this would not be faster: most of them wait. */
const maxParallel = 8;

const words = process.argv.slice(2).filter((word) => word !== "--all");
const all = words.length < process.argv.length - 2;
if (all) process.env["RESOURCELOCK_LONG_TESTS"] = "1";

const results: TestResult[] = [];
process.exitCode = await (words.length === 0 ? runAll() : runChosen());

async function runAll(): Promise<number> {
  for (const [title, command] of Object.entries(checks)) {
    const { status } = await runStep(title, command);
    if (status !== 0) return status;
  }
  const built = await build();
  if (built !== 0) return built;
  // Two, because most tests wait for others part of their time.
  const parallel = Math.min(Math.max(2, availableParallelism()), maxParallel);
  let status = 0;
  for (const group of testGroups({ all, parallel })) {
    status = (await runTests(group)) || status;
  }
  printEnd();
  return status;
}

async function runChosen(): Promise<number> {
  const built = await build();
  if (built !== 0) return built;
  const status = await runTests(chosenGroup(words, { all }));
  printEnd();
  return status;
}

/** Builds the program and the one that obeys fault points. */
async function build(): Promise<number> {
  const { status } = await runStep("build", ["scripts/build"]);
  if (status !== 0) return status;
  return (await runStep("build for the tests", ["scripts/build", "--test"])).status;
}

/** Runs a group of tests, and adds their results. */
async function runTests({ title, words: options }: TestGroup): Promise<number> {
  const report = "dist/test-report.xml";
  await Bun.file(report)
    .delete()
    .catch(() => {});
  const reporting = ["--reporter=junit", `--reporter-outfile=${report}`, "--pass-with-no-tests"];
  const { status, end } = await runStep(title, ["bun", "test", ...reporting, ...options]);

  // A test that calls process.exit(0) ends the whole run, with status 0 and without a summary.
  if (!/^Ran \d+ tests? across/m.test(end)) {
    process.stdout.write(`scripts/test: bun test ended without its summary, status ${status}\n`);
    return status === 0 ? 1 : status;
  }
  const found = testResults(await Bun.file(report).text());
  results.push(...found);
  if (status !== 0 && found.every(({ result }) => result !== "failed")) {
    process.stdout.write(
      "scripts/test: no test failed: a file is below the coverageThreshold of bunfig.toml, or " +
        "an error came from outside of a test\n",
    );
  }
  return status;
}

function printEnd(): void {
  printHeading("the slowest tests");
  process.stdout.write(slowestText(results));
  const failed = results.filter(({ result }) => result === "failed");
  if (failed.length > 0) {
    printHeading("failed");
    for (const { file, name } of failed) process.stdout.write(`${file}: ${name}\n`);
  }
  process.stdout.write(`\n${totalText(results)}\n`);
}
