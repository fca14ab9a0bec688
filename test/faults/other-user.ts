/** The binary as another user runs it, which only root can have done. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Outcome, type TestProcess, binary, runToEnd } from "../support/process.ts";
import type { PrivateSharedMemory } from "./private-shared-memory.ts";

export const isRoot = process.getuid?.() === 0;

const nobody = 65534;
/** Words before a command that has it run as a user. */
export const as = (userId: number) => [
  "setpriv",
  `--reuid=${userId}`,
  `--regid=${userId}`,
  "--clear-groups",
];

let binaryForOthers: Promise<string> | undefined;

/** The binary, or where others may not run it, a copy. */
async function runnableByOthers(): Promise<string> {
  const { status } = await runToEnd([...as(nobody), "test", "-x", binary]);
  if (status === 0) return binary;
  const directory = mkdtempSync(`${tmpdir()}/resourcelock-`);
  process.on("exit", () => {
    rmSync(directory, { recursive: true });
  });
  chmodSync(directory, 0o755);
  const copy = `${directory}/resourcelock`;
  copyFileSync(binary, copy);
  chmodSync(copy, 0o755);
  return copy;
}

/** {@link binary}, or a copy of it that everybody may run. */
export const binaryForEverybody = () => (binaryForOthers ??= runnableByOthers());

/** Runs a command to its end as a user without a name, or with one. */
export function runAs(
  userId: number,
  memory: PrivateSharedMemory,
  ...words: string[]
): Promise<Outcome> {
  return memory.run(...as(userId), ...words);
}

/** Starts a command as another user that goes on while the test does something else. */
export function startAs(
  userId: number,
  memory: PrivateSharedMemory,
  ...words: string[]
): TestProcess {
  return memory.start(...as(userId), ...words);
}

/** Runs the binary to its end as a user without a name, or with one. */
export async function resourcelockAs(
  userId: number,
  memory: PrivateSharedMemory,
  ...words: string[]
): Promise<Outcome> {
  return memory.run(...as(userId), await binaryForEverybody(), ...words);
}

export function resourcelockAsNobody(
  memory: PrivateSharedMemory,
  ...words: string[]
): Promise<Outcome> {
  return resourcelockAs(nobody, memory, ...words);
}
