/** What every failure has in common: how it ends, what it says and where. */
import { expect } from "bun:test";
import { maskDates, resourcelock } from "../support/binary.ts";
import { type Outcome } from "../support/process.ts";

/** What `state` prints of a lock that `get` has taken, with {@link maskTimes}. */
export const heldStateText = (name: string, message: string): string =>
  `${name}: held by ${message} (no process) for TIME; release it with: resourcelock unget ${name}\n`;
/** The same of a lock whose holder has no ledger, or whose info text somebody has written over. */
export const foreignStateText = (name: string, info: string): string =>
  `${name}: held by a Python (cjnfuncs) program: ${info}\n`;

/** What the binary prints, with dates masked, and how long somebody has held or waited. */
export const maskTimes = (text: string): string =>
  maskDates(text).replace(/ for \d+s/g, " for TIME");

/** The command lines that need a lock to be there, or make it. */
export const everyCommand = (name: string): string[][] => [
  ["get", name],
  ["run", name, "--", "echo", "ran"],
  ...lookingCommands(name),
];

/** The command lines that make nothing. */
export const lookingCommands = (name: string): string[][] => [
  ["state", name],
  ["state", name, "--json"],
  ["state", name, "--check"],
  ["unget", name],
  ["trace", name],
];

/** Expects one clear line on stderr that has these texts in it, and nothing on stdout. */
export function expectFailure(outcome: Outcome, status: number, ...texts: string[]): void {
  expect(outcome.stdout).toBe("");
  expect(outcome.stderr).toMatch(/^resourcelock: [^\n]+\n$/);
  for (const text of texts) expect(outcome.stderr).toContain(text);
  expectShowable(outcome);
  expect(outcome.status).toBe(status);
}

/** Expects what wrong usage ends in: a line that has this text in it, the hint, nothing on stdout. */
export function expectUsageError(outcome: Outcome, text: string): void {
  expect(outcome.stdout).toBe("");
  expect(outcome.stderr).toMatch(
    /^resourcelock: [^\n]+\nresourcelock: try resourcelock( \w+)? --help\n$/,
  );
  expect(outcome.stderr.split("\n")[0]).toContain(text);
  expectShowable(outcome);
  expect(outcome.status).toBe(64);
}

/** What a terminal would act upon instead of showing it; the end of a line is not among it. */
const actsOnTerminals =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/;

export function expectShowable({ stdout, stderr }: Pick<Outcome, "stdout" | "stderr">): void {
  expect(stdout).not.toMatch(actsOnTerminals);
  expect(stderr).not.toMatch(actsOnTerminals);
}

/** Runs command lines one after the other, each expected to fail like this. */
export async function expectAllToFail(
  commandLines: string[][],
  status: number,
  ...texts: string[]
): Promise<void> {
  for (const words of commandLines) {
    expectFailure(await resourcelock(...words), status, ...texts);
  }
}
