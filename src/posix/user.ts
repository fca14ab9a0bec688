/** Users and groups: getpwuid(3), getgrnam(3), getgrouplist(3), geteuid(2). */
import { CString, read } from "bun:ffi";
import { cString, openLibc } from "./libc.ts";

/** The name of a user, or undefined for one that this host does not know. Only errors ask for it. */
export function userName(userId: number): string | undefined {
  const { getpwuid } = openLibc({ getpwuid: { args: ["u32"], returns: "ptr" } });
  const entry = getpwuid(userId);
  if (entry === null) return undefined;
  // struct passwd starts with char *pw_name.
  return new CString(read.ptr(entry, 0));
}

/** A user as an error text names it, as in `user anna (1000)`. */
export function userLabel(userId: number): string {
  const name = userName(userId);
  return name === undefined ? `user ${userId}` : `user ${name} (${userId})`;
}

/** The user whose rights this process has. */
export function effectiveUserId(): number {
  return openLibc({ geteuid: { args: [], returns: "u32" } }).geteuid();
}

/** The name of a group, or undefined for one that this host does not know. */
export function groupName(groupId: number): string | undefined {
  const { getgrgid } = openLibc({ getgrgid: { args: ["u32"], returns: "ptr" } });
  const entry = getgrgid(groupId);
  return entry === null ? undefined : new CString(read.ptr(entry, 0));
}

/** The number of a group, or undefined for a name that this host does not know. */
export function groupIdOf(name: string): number | undefined {
  const { getgrnam } = openLibc({ getgrnam: { args: ["ptr"], returns: "ptr" } });
  const entry = getgrnam(cString(name));
  // struct group: char *gr_name, char *gr_passwd, gid_t gr_gid.
  return entry === null ? undefined : read.u32(entry, 16);
}

/** NGROUPS_MAX of linux/limits.h: a user is in no more groups. */
const maxGroups = 65_536;

/** Whether this host's user database has a user in a group. */
export function isInGroup(userId: number, groupId: number): boolean {
  const { getpwuid, getgrouplist } = openLibc({
    getpwuid: { args: ["u32"], returns: "ptr" },
    getgrouplist: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
  });
  const entry = getpwuid(userId);
  if (entry === null) return false;
  // struct passwd: char *pw_name, char *pw_passwd, uid_t pw_uid, gid_t pw_gid.
  const name = cString(new CString(read.ptr(entry, 0)));
  const groups = new Uint32Array(maxGroups);
  const count = new Int32Array([maxGroups]);
  getgrouplist(name, read.u32(entry, 20), groups, count);
  return groups.subarray(0, count[0]).includes(groupId);
}
