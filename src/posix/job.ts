/** Job control: which processes a terminal's keys reach. tcgetpgrp(3), getpgid(2). */
import { closeFile, openToRead } from "./file.ts";
import { PosixError, whenNeeded } from "./libc.ts";

const libc = whenNeeded({
  tcgetpgrp: { args: ["i32"], returns: "i32" },
  getpgid: { args: ["i32"], returns: "i32" },
});

/** The process group in the foreground of this process's terminal; undefined without a terminal. */
export function foregroundGroup(): number | undefined {
  let terminal: number;
  try {
    terminal = openToRead("/dev/tty");
  } catch (error) {
    // ENXIO: this session has no terminal, or not any more.
    if (error instanceof PosixError) return undefined;
    throw error;
  }
  try {
    const group = libc().tcgetpgrp(terminal);
    return group > 0 ? group : undefined;
  } finally {
    closeFile(terminal);
  }
}

/** The process group of a process; undefined when there is no such process. */
export function processGroup(processId: number): number | undefined {
  const group = libc().getpgid(processId);
  return group > 0 ? group : undefined;
}
