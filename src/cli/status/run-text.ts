/** What `run` says about itself and the command that it runs. */
import type { LockLoss } from "../../lock/errors.ts";

/** A command that could not be started. @param cause why, unless it was not found */
export function notStartedText(command: string, cause: string | undefined): string {
  const shown = JSON.stringify(command);
  if (cause !== undefined) return `Cannot run ${shown}: ${cause}`;
  const isLine = /[\s|&;<>()$]/.test(command);
  return `command not found: ${shown}${isLine ? "; use -c for a shell command line" : ""}`;
}

/** A hold that was gone when the command ended, or that it left to a newer request. */
export function lossText(name: string, { reason, by }: LockLoss): string {
  const who = by === undefined ? "" : ` by ${by}`;
  switch (reason) {
    case "expired":
      return `lock "${name}" was lost while the command ran: its lease could not be renewed in time`;
    case "replaced":
      return `lock "${name}" was claimed by a newer request${by === undefined ? "" : `, ${by}`}: ended the command`;
    default:
      return `lock "${name}" was released by force${who} while the command ran`;
  }
}
