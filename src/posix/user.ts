/** Users and groups: getpwuid(3), getgrnam(3), geteuid(2). */
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
