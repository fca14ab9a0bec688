/**
 * What happens where this process may not make foreign calls, as bun:ffi needs executable memory for them. That shows
 * while the modules load, where the program cannot catch anything: it ends here, in one line. The library only throws.
 */

/** True in a build of the program: see scripts/build. */
declare const IS_PROGRAM: boolean | undefined;

const text =
  "Cannot call the C library: this process may not have executable memory; allow it (MemoryDenyWriteExecute=no in a systemd unit, ulimit -v 3000000 or more)";

/** `os` of cli/exit-code.ts, which stands above this floor. */
const systemFailed = 71;

/** The error to throw in place of bun:ffi's, if that is for want of executable memory; in the program, the end. */
export function denial(error: unknown): Error | undefined {
  const isDenied = error instanceof TypeError && error.message.includes("requires the JIT");
  if (!isDenied) return undefined;
  if (typeof IS_PROGRAM !== "undefined" && IS_PROGRAM) {
    // The program's own way to write and to end is by foreign calls.
    console.error(`resourcelock: ${text}`);
    process.exit(systemFailed);
  }
  return new Error(text, { cause: error });
}
