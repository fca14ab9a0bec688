/** What `run` says about itself and the command that it runs. */
import type { LockLoss } from "../../lock/errors.ts";
import type { HolderStatus } from "../../lock/status.ts";
import { processText } from "./status-text.ts";

/** What is known of a hold around a run. */
interface AroundFacts {
  /** Whether it is a run's, by what that told its command. */
  readonly isRun: boolean;
  /** Whether this run may go under it. */
  readonly isEnough: boolean;
}

/** A lock that cannot be waited for, because it is held by what this run runs under. */
export function heldAroundText(
  name: string,
  holder: HolderStatus,
  { isRun, isEnough }: AroundFacts,
): string {
  const { kind, slots, attachment, pid } = holder;
  const how = { exclusive: "", shared: " with --shared", slots: ` with --slots ${slots}` }[kind];
  if (attachment === "bound") {
    const bound = `Cannot wait for lock "${name}": this run is part of pid ${pid}, for which get --owner-pid holds the lock already`;
    return isEnough ? `${bound}; to run under that hold, use --reentrant` : bound;
  }
  const who = isRun ? "a run around this one" : `${processText(holder)}, which started this run,`;
  const advice = isEnough
    ? "to run under that hold, use --reentrant"
    : "that hold is not enough for --reentrant";
  return `Cannot wait for lock "${name}": ${who} holds it${how} and waits for this one to end; ${advice}`;
}

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
