/** Pipes that tell by their end that nobody has the other side any more: pipe2(2), proc_pid_fd(5). */
import { namesInDirectory } from "./directory.ts";
import { linkTarget } from "./open-descriptors.ts";
import { check, isPosixError, whenNeeded } from "./libc.ts";
import { processDirectory, showsOwnNumbers } from "./proc.ts";

const libc = whenNeeded({
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
});

const O_CLOEXEC = 0o2000000;

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** Opens a pipe; both ends close when another program is started. */
export function openPipe(): Pipe {
  const ends = new Int32Array(2);
  check("pipe2", libc().pipe2(ends, O_CLOEXEC));
  const [readEnd = -1, writeEnd = -1] = ends;
  return { readEnd, writeEnd };
}

/** The name of what a descriptor of this process refers to, as in `pipe:[4711]`. */
export function targetOf(descriptor: number): string {
  return linkTarget(`/proc/self/fd/${descriptor}`) ?? "";
}

/**
 * Finds the processes that have something open, by its {@link targetOf}: those that this user may look into, and none
 * where /proc shows another PID namespace, as a signal to its numbers would hit others.
 */
export function processesWithOpen(target: string, except: ReadonlySet<number>): number[] {
  if (!showsOwnNumbers()) return [];
  return namesInDirectory("/proc")
    .map(Number)
    .filter((id) => Number.isInteger(id) && !except.has(id) && hasOpen(id, target));
}

function hasOpen(processId: number, target: string): boolean {
  const directory = `${processDirectory(processId)}/fd`;
  try {
    return namesInDirectory(directory).some(
      (name) => linkTarget(`${directory}/${name}`) === target,
    );
  } catch (error) {
    // It has ended meanwhile, or is another user's.
    if (isPosixError(error, "ENOENT", "EACCES", "ESRCH", "EPERM")) return false;
    throw error;
  }
}
