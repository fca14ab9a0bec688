/** For the commands that look at a lock and must not make one. */
import { LockNotFoundError } from "../lock/errors.ts";
import { type LockStatus, nobody } from "../lock/lock-status.ts";
import { messages } from "../lock/messages.ts";
import { ResourceLock } from "../lock/resource-lock.ts";
import { type LockFacts, lockFacts, missingFacts } from "./lock-facts.ts";
import { lockLogger, type OutputOptions } from "./output.ts";

/** What there is to say about a lock that is not there. */
interface Missing {
  text: string;
  json: LockFacts;
}

type Existing = { lock: ResourceLock; missing?: never } | { lock?: never; missing: Missing };

/** Opens a lock, or says that nobody has made it yet. */
export function openExisting(name: string, output: OutputOptions): Existing {
  try {
    return { lock: new ResourceLock(name, { create: false, logger: lockLogger(output) }) };
  } catch (error) {
    if (!(error instanceof LockNotFoundError)) throw error;
    const { lockName } = error;
    return { missing: { text: messages.missing(lockName), json: missingFacts(lockName) } };
  }
}

/** The state of a lock: the facts, and who holds it and waits. */
export interface State extends Pick<LockFacts, "exists" | "locked" | "info"> {
  text: string;
  json: object;
  status: LockStatus;
}

/** The state of the lock of a name, which may not be there. */
export function stateOfName(name: string, output: OutputOptions): State {
  const { lock, missing } = openExisting(name, output);
  if (lock === undefined) return stateOfMissing(missing);
  try {
    return stateOf(lock);
  } finally {
    lock.close();
  }
}

/** The state of a lock, in the words of cjnfuncs.resourcelock. */
export function stateOf(lock: ResourceLock): State {
  const facts = lockFacts(lock);
  const { name, locked, info } = facts;
  return stateFrom(messages.state(name, locked, info), facts, lock.status());
}

/** The state of a lock that nobody has made yet. */
export function stateOfMissing({ text, json }: Missing): State {
  return stateFrom(text, json, nobody);
}

function stateFrom(text: string, facts: LockFacts, status: LockStatus): State {
  const { exists, locked, info } = facts;
  return { text, json: { ...facts, ...status }, exists, locked, info, status };
}
