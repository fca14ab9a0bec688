/** What `run` says about itself and the command that it runs. */
import type { HolderStatus } from "../../lock/status.ts";

/** A lock that a run around this one holds cannot be waited for. @param isEnough whether this run may go under that hold */
export function heldAroundText(
  name: string,
  { kind, slots }: Pick<HolderStatus, "kind" | "slots">,
  isEnough: boolean,
): string {
  const how = { exclusive: "", shared: " with --shared", slots: ` with --slots ${slots}` }[kind];
  const advice = isEnough
    ? "to run under that hold, use --reentrant"
    : "that hold is not enough for --reentrant";
  return `Cannot wait for lock "${name}": a run around this one holds it${how} and waits for this one to end; ${advice}`;
}

/** A command that could not be started. @param cause why, unless it was not found */
export function notStartedText(command: string, cause: string | undefined): string {
  const shown = JSON.stringify(command);
  if (cause !== undefined) return `Cannot run ${shown}: ${cause}`;
  const isLine = /[\s|&;<>()$]/.test(command);
  return `command not found: ${shown}${isLine ? "; use -c for a shell command line" : ""}`;
}

/** A hold that was gone when the command ended. @param by who took it, if that is known */
export function forcedText(name: string, by: string | undefined): string {
  const who = by === undefined ? "" : ` by ${by}`;
  return `lock "${name}" was released by force${who} while the command ran`;
}

/** A hold whose lease could not be renewed in time. */
export function expiredText(name: string): string {
  return `lock "${name}" was lost while the command ran: its lease could not be renewed in time`;
}
