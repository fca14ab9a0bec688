/** Telling processes apart whose numbers are used again: proc_pid_stat(5). */
import { readProcFile } from "./process.ts";

/**
 * When a process was started, in clock ticks since the host's start; undefined where there is none, or only
 * its zombie.
 */
export function processStart(processId: number): number | undefined {
  const bytes = readProcFile(`/proc/${processId}/stat`);
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  // The name, in parentheses, may hold anything, parentheses too. State is field 3, start time field 22.
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : Number(fields[18]);
}
