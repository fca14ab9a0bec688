/** The open descriptors of this process: proc_pid_fd(5). */
import { namesInDirectory } from "./directory.ts";
import { cString, long, openLibc, size } from "./libc.ts";

const libc = openLibc({ readlink: { args: ["ptr", "ptr", size], returns: long } });

/** Those from 3 on, and what each is, such as `anon_inode:[eventpoll]`; none where there is no /proc. */
export function openDescriptors(): Map<number, string> {
  const open = new Map<number, string>();
  for (const descriptor of numbersIn("/proc/self/fd")) {
    // The listing's own descriptor is among them; closed by now, it has no target any more.
    const target = descriptor > 2 ? linkTarget(`/proc/self/fd/${descriptor}`) : undefined;
    if (target !== undefined) open.set(descriptor, target);
  }
  return open;
}

function numbersIn(directory: string): number[] {
  try {
    return namesInDirectory(directory).map(Number);
  } catch {
    return [];
  }
}

/** What a symbolic link says, its first 64 bytes; undefined if it cannot be read. */
export function linkTarget(path: string): string | undefined {
  const target = new Uint8Array(64);
  const length = Number(libc.readlink(cString(path), target, target.length));
  return length === -1 ? undefined : new TextDecoder().decode(target.subarray(0, length));
}
