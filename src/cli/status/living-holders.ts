/** Warns of holders that are still at work when their lock is gone. */
import type { HolderStatus } from "../../lock/status.ts";
import { processAndAncestors } from "../../posix/process-start.ts";
import { processText } from "./status-text.ts";
import { diagnostics } from "../terminal/output.ts";

/** Says whose living holds were taken away: who goes on, goes on without the lock. */
export function warnOfLivingHolders(name: string, holders: readonly HolderStatus[]): void {
  for (const text of livingHolderTexts(name, holders)) diagnostics().warn(text);
}

/** The same as texts, a line each. */
export function livingHolderTexts(name: string, holders: readonly HolderStatus[]): string[] {
  return holders
    .filter((holder) => !isOwnAffair(holder))
    .map((holder) => `${processText(holder)} is still running, without lock "${name}"`);
}

/** Whether nobody has to be told of the loss: no process holds, or this one runs under the process that it is bound to. */
function isOwnAffair({ attachment, pid }: HolderStatus): boolean {
  if (attachment !== "bound") return attachment !== "attached";
  return pid !== null && processAndAncestors().has(pid);
}
