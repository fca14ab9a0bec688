/** Which signals a thread has blocked: pthread_sigmask(3). */
import { checkReturned, whenNeeded } from "./libc.ts";
import { type SignalName, signalNumbers } from "./process.ts";

const libc = whenNeeded({ pthread_sigmask: { args: ["i32", "ptr", "ptr"], returns: "i32" } });

/** With no new set, it only tells which are blocked. */
const SIG_BLOCK = 0;
/** sizeof(sigset_t). */
const signalSetBytes = 128;

/** The signals that this thread has blocked, but for some of them: a sigset_t. */
export function blockedSignalsBut(names: readonly SignalName[]): Uint8Array {
  const blocked = new Uint8Array(signalSetBytes);
  checkReturned("pthread_sigmask", libc().pthread_sigmask(SIG_BLOCK, null, blocked));
  for (const name of names) {
    const bit = signalNumbers[name] - 1;
    blocked[bit >> 3] = (blocked[bit >> 3] ?? 0) & ~(1 << (bit & 7));
  }
  return blocked;
}
