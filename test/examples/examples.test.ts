/** The examples print what the Python module's print; the golden files are its output, dates masked. */
import { expect, test } from "bun:test";
import { maskDates, newLockName, resourcelock } from "../support/binary.ts";
import { start } from "../support/process.ts";

async function output(example: string, lockName: string): Promise<string> {
  const child = start([process.execPath, `${import.meta.dir}/${example}`, lockName]);
  const { stdout, stderr, status } = await child.end();
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return maskDates(stdout).replaceAll(lockName, "test_lock");
}

function golden(name: string): Promise<string> {
  return Bun.file(`${import.meta.dir}/${name}.golden.txt`).text();
}

test("the demo prints the seed's output for a lock that is new", async () => {
  const text = await output("demo-resourcelock.ts", newLockName());
  expect(text).toBe(await golden("demo-initial-unlocked"));
});

test("the demo prints the seed's output for a lock that the command line has taken", async () => {
  const lockName = newLockName();
  await resourcelock("get", lockName);
  const text = await output("demo-resourcelock.ts", lockName);
  expect(text).toBe(await golden("demo-initial-locked"));
});

test("an existing lock keeps its info text when it is instantiated again", async () => {
  const lockName = newLockName();
  await resourcelock("get", lockName);
  await resourcelock("unget", lockName);
  const text = await output("demo-resourcelock.ts", lockName);
  const kept = (await golden("demo-initial-unlocked")).replaceAll("<>", "<DATE - cli>");
  expect(text).toBe(kept);
});

test("the short example gets the lock, or says that it did not", async () => {
  const lockName = newLockName();
  expect(await output("resourcelock-ex.ts", lockName)).toBe(
    await golden("resourcelock-ex-granted"),
  );
  await resourcelock("get", lockName);
  expect(await output("resourcelock-ex.ts", lockName)).toBe(
    await golden("resourcelock-ex-timeout"),
  );
});
