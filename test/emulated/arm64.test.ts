/** The arm64 binary starts, and does its work. arm64.long.test.ts has the tests of its commands. */
import { describe, expect, test } from "bun:test";
import { newLockName } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";
import { emulatedBinary } from "./emulation.ts";

const binary = await emulatedBinary();

const resourcelock = (...words: string[]) => runToEnd([binary ?? "", ...words]);

describe.skipIf(binary === undefined)("the arm64 binary", () => {
  test("run starts a command under the lock and passes its status on", async () => {
    const name = newLockName();
    const words = ["run", name, "--", "sh", "-c", 'echo "$RESOURCELOCK_NAME"; exit 3'];
    expect(await resourcelock(...words)).toEqual({ status: 3, stdout: `${name}\n`, stderr: "" });
  });

  test("state tells that a lock is held when get has taken it", async () => {
    const name = newLockName();
    expect((await resourcelock("get", name, "-m", "emulated")).status).toBe(0);
    const { stdout } = await resourcelock("state", name, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ locked: true });
    expect((await resourcelock("unget", name)).status).toBe(0);
  });
});
