/** Users: getpwuid(3). */
import { CString, read } from "bun:ffi";
import { openLibc } from "./libc.ts";

/** The name of a user, or undefined for one that this host does not know. Only errors ask for it. */
export function userName(userId: number): string | undefined {
  const { getpwuid } = openLibc({ getpwuid: { args: ["u32"], returns: "ptr" } });
  const entry = getpwuid(userId);
  if (entry === null) return undefined;
  // struct passwd starts with char *pw_name.
  return new CString(read.ptr(entry, 0));
}
