/** What scripts/test tells of a run, against the report that this version of Bun writes. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slowestText, testResults, totalText } from "../../scripts/testing/report.ts";
import { runToEnd } from "../support/process.ts";

const source = `
import { describe, expect, test } from "bun:test";
test("passes", async () => { await Bun.sleep(30); });
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
    expect(slowestText(found, 1)).toMatch(/^ +\d\.\d s {2}some\.test\.ts: passes\n$/);
  },
);

test("testResults() throws when the report is cut", () => {
  expect(() => testResults('<testsuites tests="2"><testcase name="a" />')).toThrow("1 tests");
});
