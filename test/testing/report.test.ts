/** What scripts/test tells of a run, against the report that this version of Bun writes. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slowestText, testResults, totalText } from "../../scripts/testing/report.ts";
import { runToEnd } from "../support/process.ts";

const source = `
import { describe, expect, test } from "bun:test";
test("passes", () => {});
describe("of <a> & \\"b\\"", () => {
  test("fails", () => { expect(1).toBe(2); });
  test.skip("is skipped", () => {});
  describe("within", () => {
    test.todo("is to come");
  });
});
`;

/** The results of a run of the tests above. */
async function results(...options: string[]) {
  const directory = mkdtempSync(join(tmpdir(), "test-report-"));
  try {
    await Bun.write(join(directory, "some.test.ts"), source);
    const words = [process.execPath, "test", "--reporter=junit", "--reporter-outfile=report.xml"];
    await runToEnd([...words, ...options], { cwd: directory });
    return testResults(await Bun.file(join(directory, "report.xml")).text());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test.each([[[]], [["--parallel=2"]]])(
  "testResults() reads a report of bun test %p",
  async (options) => {
    const found = await results(...options);
    expect(found.map(({ name, result }) => [name, result])).toEqual([
      ["passes", "passed"],
      ['of <a> & "b" > fails', "failed"],
      ['of <a> & "b" > is skipped', "skipped"],
      ['of <a> & "b" > within > is to come', "skipped"],
    ]);
    for (const { file } of found) expect(file).toBe("some.test.ts");
    expect(found[1]?.text).toContain("Expected: 2");
    expect(totalText(found)).toBe("1 passed, 1 failed, 2 skipped");
  },
);

test("slowestText() has the slowest tests first, and no more than are asked for", () => {
  const passed = { result: "passed", text: "" } as const;
  const all = [
    { file: "a.test.ts", name: "quick", seconds: 0.04, ...passed },
    { file: "b.test.ts", name: "slow", seconds: 12, ...passed },
    { file: "a.test.ts", name: "medium", seconds: 1.25, ...passed },
  ];
  expect(slowestText(all, 2)).toBe("   12.0 s  b.test.ts: slow\n    1.3 s  a.test.ts: medium\n");
});

test("testResults() throws when the report is cut", () => {
  expect(() => testResults('<testsuites tests="2"><testcase name="a" />')).toThrow("1 tests");
});
