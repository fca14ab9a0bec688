/** The command line of cjnfuncs.resourcelock: a script that was written for the Python tool runs unchanged. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bash, maskDates, newLockName } from "../../support/binary.ts";

setDefaultTimeout(60_000);

const golden = readFileSync(join(import.meta.dir, "seed.golden.txt"), "utf8");

/** The Python tool's texts among what was printed: the debug texts of -v say more, and may repeat a result. */
const textsOf = (output: string) => [
  ...new Set(
    output.match(/<\S+> (?:lock (?:request|released|force)|is currently locked|Extra).*/g),
  ),
];

test("calls of the Python tool print its texts to the letter", async () => {
  const name = newLockName();
  const calls = [...golden.matchAll(/^\$ (.*)\n((?:[^$].*\n)*)/gm)];
  expect(calls.length).toBeGreaterThan(10);
  for (const [, call = "", expected] of calls) {
    const { status, stdout, stderr } = await bash(call.replaceAll("test_lock", name));
    const isVerbose = call.includes(" -v");
    // With -v the tool also says in which state it found the lock.
    const lines = isVerbose
      ? textsOf(stderr + stdout).filter((line) => !line.includes("currently"))
      : textsOf(stdout);
    if (status !== 0) lines.push(`status ${status}`);
    const printed = lines.map((line) => `${maskDates(line).replaceAll(name, "test_lock")}\n`);
    expect({ call, printed: printed.join("") }).toEqual({ call, printed: expected ?? "" });
  }
});
