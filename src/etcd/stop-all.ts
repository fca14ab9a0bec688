/** Stopping all that runs under a lock: the processes that have its hold pipe open. */
import { processesWithOpen } from "../posix/pipe.ts";
import { isPosixError } from "../posix/libc.ts";
import { sendSignal } from "../posix/process.ts";

/** A process may start another one between the search and the kill. */
const maxRounds = 20;

/** @param except the processes that keep the lock, which have the pipe open too */
export function signalAll(
  target: string,
  signal: "SIGTERM" | "SIGKILL",
  except: ReadonlySet<number>,
): void {
  for (let round = 0; round < maxRounds; round++) {
    const found = processesWithOpen(target, except);
    for (const processId of found) {
      try {
        sendSignal(processId, signal);
      } catch (error) {
        if (!isPosixError(error, "ESRCH", "EPERM")) throw error;
      }
    }
    // SIGTERM is asked for once; a process that does not obey gets SIGKILL later.
    if (found.length === 0 || signal === "SIGTERM") return;
  }
}
