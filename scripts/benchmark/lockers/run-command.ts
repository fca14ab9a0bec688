/** A whole job in one process: take the lock, run a command, release. */
import { spawnSync } from "node:child_process";
import type { Lock } from "./serve.ts";

export async function runCommand(lock: Lock, [command = "", ...words]: string[]): Promise<void> {
  await lock.get();
  spawnSync(command, words, { stdio: "inherit" });
  await lock.unget();
}
