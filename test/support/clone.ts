/** This clone, and its scripts run as a person would. */
import { join } from "node:path";
import { finish, type Outcome, start } from "./binary.ts";

export const root = join(import.meta.dir, "../..");

/** What a script of this clone's came to, which had to succeed. @returns its stdout */
export async function runScript(words: readonly [string, ...string[]]): Promise<string> {
  const [script, ...rest] = words;
  const outcome = await finish(start([join(root, "scripts", script), ...rest]));
  return stdoutOf(words.join(" "), outcome);
}

/** @throws {Error} with what it said, where it did not succeed */
export function stdoutOf(what: string, { status, stdout, stderr }: Outcome): string {
  if (status === 0) return stdout;
  throw new Error(`${what}: status ${status}\n${stdout}${stderr}`);
}
