/** The model of the ledger holds in all its configurations, and fails where a rule of it is broken. */
import { expect, test } from "bun:test";
import { finish, haveTools, start } from "../support/binary.ts";

/** Four minutes on two slow cores. */
const limitMilliseconds = 15 * 60_000;

test.skipIf(!haveTools("spin", "cc"))(
  "every configuration of the model is verified, and every mutant fails",
  async () => {
    const { status, stdout, stderr } = await finish(start([`${import.meta.dir}/verify`]));
    const unexpected = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
    expect({ unexpected, stderr, status }).toEqual({ unexpected: [], stderr: "", status: 0 });
  },
  limitMilliseconds,
);
