/** What places say of the process that made them. */
import { readProcFile } from "../posix/proc.ts";
import { effectiveUserId, userName } from "../posix/user.ts";

/** The name of this host. */
export function hostName(): string {
  return kernelText("hostname");
}

/** What tells this run of this host's kernel from every other one. */
export function bootId(): string {
  return kernelText("random/boot_id");
}

function kernelText(file: string): string {
  const bytes = readProcFile(`/proc/sys/kernel/${file}`) ?? new Uint8Array();
  return new TextDecoder().decode(bytes).trim();
}

/** The name of this user, or their number. */
export function currentUser(): string {
  const id = effectiveUserId();
  return userName(id) ?? String(id);
}
