/** Directories: readdir(3). */
import { CString } from "bun:ffi";
import { cString, openLibc } from "./libc.ts";

const libc = openLibc({
  opendir: { args: ["ptr"], returns: "ptr" },
  readdir: { args: ["ptr"], returns: "ptr" },
  closedir: { args: ["ptr"], returns: "i32" },
});

/** Where struct dirent has d_name, on 64-bit Linux. */
const nameInDirectoryEntry = 19;

/**
 * The names in a directory, without `.` and `..`, in no order; undefined where it cannot be read. What is not
 * UTF-8 has U+FFFD in its name.
 */
export function directoryEntries(path: string): string[] | undefined {
  const directory = libc.opendir(cString(path));
  if (directory === null) return undefined;
  const names: string[] = [];
  for (let entry = libc.readdir(directory); entry !== null; entry = libc.readdir(directory)) {
    const name = new CString(entry, nameInDirectoryEntry);
    if (name !== "." && name !== "..") names.push(name);
  }
  libc.closedir(directory);
  return names;
}
