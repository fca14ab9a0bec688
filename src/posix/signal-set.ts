/** Sets of signals, and which of them a thread has blocked: pthread_sigmask(3). */
import { checkReturned, whenNeeded } from "./libc.ts";
import { type SignalName, signalNumbers } from "./process.ts";

const libc = whenNeeded({ pthread_sigmask: { args: ["i32", "ptr", "ptr"], returns: "i32" } });

/** With no new set, it only tells which are blocked. */
const SIG_BLOCK = 0;

/** sigset_t of glibc: a bit a signal, 1024 of them. */
export function signalSet(...numbers: number[]): Uint32Array {
  const set = new Uint32Array(32);
  for (const number of numbers) {
    const word = (number - 1) >> 5;
    set[word] = (set[word] ?? 0) | (1 << ((number - 1) & 31));
  }
  return set;
}

function blockedSignals(): Uint32Array {
  const blocked = signalSet();
  checkReturned("pthread_sigmask", libc().pthread_sigmask(SIG_BLOCK, null, blocked));
  return blocked;
}

/** Whether this thread has a signal blocked. */
export function isBlocked(name: SignalName): boolean {
  const blocked = blockedSignals();
  return signalSet(signalNumbers[name]).some((word, index) => (word & (blocked[index] ?? 0)) !== 0);
}

/** The signals that this thread has blocked, but for some of them: a sigset_t. */
export function blockedSignalsBut(names: readonly SignalName[]): Uint32Array {
  const blocked = blockedSignals();
  const others = signalSet(...names.map((name) => signalNumbers[name]));
  return blocked.map((word, index) => word & ~(others[index] ?? 0));
}
