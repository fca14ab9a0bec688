/** Verifying a model, as the tests of its small cases and of all do. */
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";

export const canVerify = haveTools("spin", "cc");

/** What went wrong with the cases of a model. */
export async function verify(
  words: readonly string[],
  { deadlineSeconds }: { deadlineSeconds: number },
): Promise<{ unexpected: string[]; stderr: string; status: number }> {
  const { status, stdout, stderr } = await runToEnd([`${import.meta.dir}/verify`, ...words], {
    deadlineSeconds,
  });
  const unexpected = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
  return { unexpected, stderr, status };
}

/** What comes of a model that is right, and finds each mutant. */
export const right = { unexpected: [], stderr: "", status: 0 };
