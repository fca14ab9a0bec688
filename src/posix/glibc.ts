/** Which C library this is: gnu_get_libc_version(3). */
import { CString } from "bun:ffi";
import { openLibc } from "./libc.ts";

/** As in `2.36`. */
export function glibcVersion(): string {
  const { gnu_get_libc_version } = openLibc({ gnu_get_libc_version: { args: [], returns: "ptr" } });
  const version = gnu_get_libc_version();
  return version === null ? "" : new CString(version);
}
