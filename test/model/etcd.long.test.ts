/** The model of a lock in etcd holds in its large configurations too. */
import { expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";

/** Three minutes on two slow cores. */
const limitSeconds = 15 * 60;

test.skipIf(!haveTools("spin", "cc"))(
  "every configuration of the model of etcd is verified",
  async () => {
    const words = [`${import.meta.dir}/verify-etcd`, "--all"];
    const { status, stdout, stderr } = await runToEnd(words, { deadlineSeconds: limitSeconds });
    const unexpected = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
    expect({ unexpected, stderr, status }).toEqual({ unexpected: [], stderr: "", status: 0 });
  },
  limitSeconds * 1000,
);
