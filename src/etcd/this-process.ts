/** What places say of the process that made them. */
import { parentOf } from "../posix/process-start.ts";
import { readProcFile } from "../posix/process.ts";
import { effectiveUserId, userName } from "../posix/user.ts";

/** The name of this host. */
export function hostName(): string {
  const bytes = readProcFile("/proc/sys/kernel/hostname") ?? new Uint8Array();
  return new TextDecoder().decode(bytes).trim();
}

/** The name of this user, or their number. */
export function currentUser(): string {
  const id = effectiveUserId();
  return userName(id) ?? String(id);
}

/** This process and those that it comes from. */
export function processAndAncestors(): Set<number> {
  const found = new Set<number>();
  for (
    let pid: number | undefined = process.pid;
    pid !== undefined && pid > 0;
    pid = parentOf(pid)
  ) {
    if (found.has(pid)) break;
    found.add(pid);
  }
  return found;
}
