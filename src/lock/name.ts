/** Names of locks, and the names of their objects. */
import { LockNameError } from "./errors.ts";

/** The directory of POSIX semaphores and shared memory on Linux: shm_overview(7), sem_overview(7). */
export const sharedMemoryDirectory = "/dev/shm";

/** NAME_MAX, less the `sem.` of the semaphore and the `.ledger` of the ledger, whichever is longer, and one. */
const maximumNameBytes = 247;

/** How much of a name that is refused is shown. */
const shownCharacters = 60;

/**
 * A lock's name without its leading slash.
 *
 * @param text the name as a person or a program gives it: `deploy` and `/deploy` are one lock
 * @throws {LockNameError} saying what is wrong with it
 * @throws {TypeError} for what is no text, which a program without types may give
 */
export function parseLockName(text: string): string {
  if (typeof text !== "string") {
    throw new TypeError(`Cannot use ${String(text)} as the name of a lock: give a string`);
  }
  const name = text.startsWith("/") ? text.slice(1) : text;
  const fault = faultOf(name);
  const shown = JSON.stringify(
    text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text,
  );
  if (fault !== undefined) throw new LockNameError(`${shown} is not a lock name: ${fault}`);
  return name;
}

/** Whether the rest of a file's name can be that of a lock. */
export function isLockName(name: string): boolean {
  return !name.startsWith("/") && faultOf(name) === undefined;
}

function faultOf(name: string): string | undefined {
  if (name === "") return "a name cannot be empty";
  if (name === "." || name === "..") return "it is the name of a directory";
  if (name.includes("/")) return `names are not paths and cannot contain "/"${lastPartHint(name)}`;
  if (name.includes("\0")) return "it contains a NUL byte";
  // What is not UTF-8 on the command line arrives with U+FFFD in its place: two such names would be one.
  if (!name.isWellFormed() || name.includes("\uFFFD")) return "it is not valid UTF-8";
  if (new TextEncoder().encode(name).length > maximumNameBytes) {
    return `it is longer than ${maximumNameBytes} bytes`;
  }
  if (name.startsWith("sem.")) return 'names cannot start with "sem.", which marks semaphores';
  if (name.endsWith(".ledger")) return 'names cannot end in ".ledger", which marks ledgers';
  return undefined;
}

/** What a path, as flock takes it, can be called instead. */
function lastPartHint(path: string): string {
  const last = path.slice(path.lastIndexOf("/") + 1);
  return last.length <= shownCharacters && isLockName(last) ? `; try ${JSON.stringify(last)}` : "";
}

/** The path of a lock's info text: the one of its {@link objectsOf} that each grant needs. */
export function infoPathOf(name: string): string {
  return `${sharedMemoryDirectory}/${name}`;
}

/** The names of a lock's objects: for the calls, and as files. */
export function objectsOf(name: string): {
  semaphoreName: string;
  semaphorePath: string;
  infoPath: string;
  ledgerPath: string;
} {
  return {
    semaphoreName: `/${name}`,
    semaphorePath: `${sharedMemoryDirectory}/sem.${name}`,
    infoPath: infoPathOf(name),
    ledgerPath: `${sharedMemoryDirectory}/${name}.ledger`,
  };
}
