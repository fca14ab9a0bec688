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

/** So many files may fail beside others and be given another chance; more are no chance. */
const maxFilesAgain = 10;
/** The status of scripts/package where a tool is missing, which its tests name. */
const missingTool = 69;
/** More files at once than this would not be faster: most of them wait. */
const maxParallel = 8;

const words = process.argv.slice(2).filter((word) => word !== "--all");
const all = words.length < process.argv.length - 2;
if (all) process.env["RESOURCELOCK_LONG_TESTS"] = "1";

let results: TestResult[] = [];
/** What is wrong with the run though no test failed: it is told again at the end, where people look. */
const troubles: string[] = [];
process.exitCode = await (words.length === 0 ? runAll() : runChosen());

async function runAll(): Promise<number> {
  for (const [title, command] of Object.entries(checks)) {
    const { status } = await runStep(title, command);
    if (status !== 0) return status;
  }
  const built = (await build()) || (all ? await makePackages() : 0);
  if (built !== 0) return built;
  // One more than processors, because most tests wait for others part of their time.
  const parallel = Math.min(availableParallelism() + 1, maxParallel);
  let status = 0;
  for (const group of testGroups({ all, parallel })) {
    status = (await runTests(group)) || status;
  }
  await runAgainAlone();
  printEnd();
  return status || failureStatus();
}

/**
 * Runs the files with a test that failed once more, one after the other: several files at a time, and whatever
 * else the machine does, may have been too much for them. What fails again has failed; what passes is listed.
 */
async function runAgainAlone(): Promise<void> {
  const first = results.filter(({ result }) => result === "failed");
  const files = [...new Set(first.map(({ file }) => file))];
  if (files.length === 0 || files.length > maxFilesAgain) return;
  results = results.filter(({ file }) => !files.includes(file));
  await runTests(chosenGroup(files, { all }));
  const failed = new Set(failedTests().map(titleOf));
  const passed = first.map(titleOf).filter((title) => !failed.has(title));
  if (passed.length === 0) return;
  printHeading("failed beside others, and passed alone");
  process.stdout.write(passed.map((title) => `${title}\n`).join(""));
}

function titleOf({ file, name }: TestResult): string {
  return `${file}: ${name}`;
}

function failedTests(): TestResult[] {
  return results.filter(({ result }) => result === "failed");
}

function failureStatus(): number {
  return failedTests().length > 0 ? 1 : 0;
}

async function runChosen(): Promise<number> {
  const built = await build();
  if (built !== 0) return built;
  const status = await runTests(chosenGroup(words, { all }));
  printEnd();
  return status || failureStatus();
}

/** Builds the program and the one that obeys fault points. */
async function build(): Promise<number> {
  const { status } = await runStep("build", ["scripts/build"]);
  if (status !== 0) return status;
  return (await runStep("build for the tests", ["scripts/build", "--test"])).status;
}

/** Makes the packages once, before several test files ask for them at once. */
async function makePackages(): Promise<number> {
  const { status } = await runStep("packages", ["scripts/package"]);
  return status === missingTool ? 0 : status;
}

/**
 * Runs a group of tests, and adds their results.
 *
 * @returns 0 unless something is wrong that is not a test's failure
 */
async function runTests({ title, words: options }: TestGroup): Promise<number> {
  const report = "dist/test-report.xml";
  await Bun.file(report)
    .delete()
    .catch(() => {});
  const reporting = ["--reporter=junit", `--reporter-outfile=${report}`, "--pass-with-no-tests"];
  const { status, end } = await runStep(title, ["bun", "test", ...reporting, ...options]);

  // A test that calls process.exit(0) ends the whole run, with status 0 and without a summary.
  if (!/^Ran \d+ tests? across/m.test(end)) {
    tellTrouble(`${title}: bun test ended without its summary, status ${status}`);
    return status === 0 ? 1 : status;
  }
  const found = testResults(await Bun.file(report).text());
  results.push(...found);
  if (status !== 0 && found.every(({ result }) => result !== "failed")) {
    tellTrouble(
      `${title}: no test failed: a file is below the coverageThreshold of bunfig.toml, or an ` +
        "error came from outside of a test",
    );
    return status;
  }
  return 0;
}

function tellTrouble(text: string): void {
  troubles.push(text);
  process.stdout.write(`scripts/test: ${text}\n`);
}

function printEnd(): void {
  printHeading("the slowest tests");
  process.stdout.write(slowestText(results));
  const failed = failedTests();
  const lines = [...failed.map(titleOf), ...troubles];
  if (lines.length > 0) {
    printHeading("failed");
    process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  }
  process.stdout.write(`\n${totalText(results)}\n`);
}
