/** The storm in a short form; scripts/storm has the long one. */
import { expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";
import { buildWhereStale } from "./build.ts";

buildWhereStale();

/** Runs the storm, and gives its last line. */
async function storm(...options: string[]): Promise<{ status: number; last: string | undefined }> {
  const words = [process.execPath, `${import.meta.dir}/storm.ts`, ...options];
  const { status, stdout, stderr } = await runToEnd(words, { deadlineSeconds: 280 });
  if (status !== 0) console.error(stdout, stderr);
  return { status, last: stdout.trim().split("\n").at(-1) };
}

const well = { status: 0, last: "the critical section was never entered twice" };

test("workers that are killed and stopped at random, and at each fault point, never get in together", async () => {
  expect(await storm("--deaths", "80", "--workers", "6")).toEqual(well);
});

test.skipIf(!haveTools("python3"))("the same holds with two Python peers among them", async () => {
  expect(await storm("--deaths", "50", "--workers", "6", "--peers", "2")).toEqual(well);
});
