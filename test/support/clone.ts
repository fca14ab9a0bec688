/** This clone, and its scripts run as a person would. */
import { join } from "node:path";
import { type Outcome, runToEnd } from "./process.ts";

export const root = join(import.meta.dir, "../..");

/** What a script of this clone's came to, which had to succeed. @returns its stdout */
export async function runScript(words: readonly [string, ...string[]]): Promise<string> {
  const [script, ...rest] = words;
  const outcome = await runToEnd([join(root, "scripts", script), ...rest], {
    deadlineSeconds: 600,
  });
  return stdoutOf(words.join(" "), outcome);
}

/** @throws {Error} with what it said, where it did not succeed */
export function stdoutOf(what: string, { status, stdout, stderr }: Outcome): string {
  if (status === 0) return stdout;
  throw new Error(`${what}: status ${status}\n${stdout}${stderr}`);
}
