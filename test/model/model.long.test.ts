/** The model of the ledger holds in all its configurations, and fails where a rule of it is broken. */
import { expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";

const limitSeconds = 30 * 60;

test.skipIf(!haveTools("spin", "cc"))(
  "verify --all verifies every configuration, and every mutant fails",
  async () => {
    const { status, stdout, stderr } = await runToEnd([`${import.meta.dir}/verify`, "--all"], {
      deadlineSeconds: limitSeconds,
    });
    const unexpected = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
    expect({ unexpected, stderr, status }).toEqual({ unexpected: [], stderr: "", status: 0 });
  },
  limitSeconds * 1000,
);
