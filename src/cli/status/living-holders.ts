/** Those who are still at work when their lock is gone. */
import type { HolderStatus } from "../../lock/status.ts";
import { processText } from "./status-text.ts";
import { diagnostics } from "../terminal/output.ts";

/** Says which processes held a lock that was taken from them, and go on. */
export function warnOfLivingHolders(name: string, holders: readonly HolderStatus[]): void {
  for (const holder of holders.filter(({ attachment }) => attachment === "attached")) {
    diagnostics().warn(`${processText(holder)} is still running, without lock "${name}"`);
  }
}
