/** The storm in a short form; scripts/storm has the long one. */
import { expect, test } from "bun:test";
import { haveTools, isWhole } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";
import { buildWhereStale } from "./build.ts";

buildWhereStale();

const storm = [process.execPath, `${import.meta.dir}/storm.ts`, "--workers", "6"];
/** Python programs take part where there is one to run them. */
const peers = haveTools("python3") ? ["--peers", "2"] : [];

test("workers that are killed and stopped at random, and at each fault point, never get in together", async () => {
  const words = [...storm, ...peers, "--deaths", isWhole ? "150" : "50"];
  const { status, stdout, stderr } = await runToEnd(words, { deadlineSeconds: 280 });
  if (status !== 0) console.error(stdout, stderr);
  expect(status).toBe(0);
  expect(stdout.trim()).toEndWith("\nthe critical section was never entered twice");
});
