/** Those who are still at work when their lock is gone. */
import type { HolderStatus } from "../../lock/status.ts";
import { diagnostics } from "../terminal/output.ts";

/** Says which processes held a lock that was taken from them, and go on. */
export function warnOfLivingHolders(holders: readonly HolderStatus[]): void {
  for (const { pid, command } of holders.filter(({ attachment }) => attachment === "attached")) {
    diagnostics().warn(`pid ${pid} (${command}) goes on without the lock`);
  }
}
