/** What `run` says about itself and the command that it runs. */
import type { LockLoss } from "../../lock/errors.ts";

/** A command that was not found. @param advice what may have been meant, or "" */
export function notFoundText(command: string, advice: string): string {
  const isLine = /[\s|&;<>()$]/.test(command);
  const hint = isLine ? "; use -c for a shell command line" : advice;
  return `command not found: ${JSON.stringify(command)}${hint}`;
}

/**
 * A hold that was gone when the command ended, or that it left to a newer request.
 *
 * @param exitStatus the command's, if it was sent TERM for that
 */
export function lossText(name: string, loss: LockLoss, exitStatus: number | undefined): string {
  const sent = `; sent TERM to the command, which ended with status ${exitStatus}`;
  return `${lostHow(name, loss)}${exitStatus === undefined ? "" : sent}`;
}

function lostHow(name: string, { reason, by }: LockLoss): string {
  const who = by === undefined ? "" : ` by ${by}`;
  switch (reason) {
    case "expired":
      return `lock "${name}" was lost while the command ran: its lease could not be renewed in time`;
    case "replaced":
      return `lock "${name}" was claimed by a newer request${by === undefined ? "" : `, ${by}`}`;
    default:
      return `lock "${name}" was released by force${who} while the command ran`;
  }
}
