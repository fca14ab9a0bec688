/** What access was asked for a lock that has another one: --mode and --group are about locks that are created. */
import { groupName } from "../../posix/user.ts";
import type { Access } from "./access.ts";
import { semaphoreStatus } from "./objects.ts";

/**
 * @param asked.mode as it was given; the one that a group implies is not asked for
 * @returns what to say; undefined where the lock has what was asked for
 */
export function otherAccessText(lockName: string, { mode, groupId }: Access): string | undefined {
  const status = semaphoreStatus(lockName);
  if (status === undefined) return undefined;
  const hasMode = mode === undefined || (status.mode & 0o777) === mode;
  const hasGroup = groupId === undefined || status.groupId === groupId;
  if (hasMode && hasGroup) return undefined;
  const shown = (status.mode & 0o777).toString(8).padStart(4, "0");
  const group = groupName(status.groupId) ?? String(status.groupId);
  const ignored = [hasMode ? [] : "--mode", hasGroup ? [] : "--group"].flat().join(" and ");
  const have = hasMode || hasGroup ? "has" : "have";
  return `lock "${lockName}" exists already, with mode ${shown} and group ${group}: ${ignored} ${have} no effect`;
}
