/** The model of a lock in etcd holds in its small configurations, and fails where a rule of it is broken. */
import { expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";

test.skipIf(!haveTools("spin", "cc"))(
  "the model of etcd is verified, and every mutant fails",
  async () => {
    const { status, stdout, stderr } = await runToEnd([`${import.meta.dir}/verify-etcd`], {
      deadlineSeconds: 280,
    });
    const unexpected = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
    expect({ unexpected, stderr, status }).toEqual({ unexpected: [], stderr: "", status: 0 });
  },
);
