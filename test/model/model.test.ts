/** The model of the ledger in the small: one configuration holds, and two broken rules fail. */
import { expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";

/** Seconds on an idle machine, none where the model was verified before. */
const limitSeconds = 280;

test.skipIf(!haveTools("spin", "cc"))("verify finds what holds and what does not", async () => {
  const { status, stdout, stderr } = await runToEnd([`${import.meta.dir}/verify`], {
    deadlineSeconds: limitSeconds,
  });
  const unexpected = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
  expect({ unexpected, stderr, status }).toEqual({ unexpected: [], stderr: "", status: 0 });
});
