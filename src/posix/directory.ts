/** Reading directories: readdir(3). */
import { CString } from "bun:ffi";
import { cString, lastError, whenNeeded } from "./libc.ts";

/** Not at start-up: who looks at one lock reads no directory. */
const open = whenNeeded({
  opendir: { args: ["ptr"], returns: "ptr" },
  readdir: { args: ["ptr"], returns: "ptr" },
  closedir: { args: ["ptr"], returns: "i32" },
});

/** Where struct dirent has d_name, on 64-bit Linux. */
const nameInDirectoryEntry = 19;

/**
 * The names in a directory, `.` and `..` left out, in no order. What is not UTF-8 in a name becomes U+FFFD.
 *
 * @param max how many to read at most
 * @throws {PosixError} ENOENT, ENOTDIR, EACCES ...
 */
export function namesInDirectory(path: string, max = Infinity): string[] {
  const libc = open();
  const names: string[] = [];
  const directory = libc.opendir(cString(path));
  if (directory === null) throw lastError("opendir");
  for (
    let entry = libc.readdir(directory);
    entry !== null && names.length < max;
    entry = libc.readdir(directory)
  ) {
    const name = new CString(entry, nameInDirectoryEntry);
    if (name !== "." && name !== "..") names.push(name);
  }
  libc.closedir(directory);
  return names;
}
