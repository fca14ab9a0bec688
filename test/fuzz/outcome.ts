/** What every run of the program has to be like, whatever it was given. */
import { expect } from "bun:test";
import { exitCodeTexts } from "../../src/cli/exit-code.ts";
import type { Outcome } from "../support/process.ts";

/** The exit statuses of the documentation, but for that of an internal error. */
const documented = new Set(
  exitCodeTexts.map(([status]) => Number(status)).filter((status) => status > 0 && status !== 70),
).add(0);

/** What timeout(1) ends with when it has sent TERM, and the program has ended. */
export const endedInTime = 124;

/**
 * @param words for the failure's message
 * @param allowed statuses beside the documented ones
 */
export function expectDecent(
  words: readonly string[],
  { status, stdout, stderr }: Outcome,
  allowed: readonly number[] = [],
): void {
  const isStack = /\n\s+at \S|Bun v\d|internal error, please|panic|TypeError|ReferenceError/;
  const isDecent =
    (documented.has(status) || allowed.includes(status) || status === endedInTime) &&
    !isStack.test(stdout + stderr);
  expect(isDecent ? "decent" : { words, status, stdout, stderr }).toBe("decent");
}
