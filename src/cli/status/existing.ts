/** For the commands that look at a lock and must not make one. */
import { LockNotFoundError } from "../../lock/errors.ts";
import { lostLockStatus } from "../../host/inventory/leftover.ts";
import { type LockStatus, nobody } from "../../lock/status.ts";
import { messages } from "../../lock/messages.ts";
import { ResourceLock } from "../../host/resource-lock.ts";
import { type LockFacts, lockFacts, missingFacts } from "./lock-facts.ts";
import { lockLogger, type OutputOptions } from "../terminal/output.ts";

/** What there is to say about a lock that is not there. */
interface Missing {
  text: string;
  json: LockFacts;
  /** Whether it is in use all the same, and only its semaphore was deleted. */
  lost: boolean;
  /** Who uses it then. */
  status: LockStatus;
}

type Existing = { lock: ResourceLock; missing?: never } | { lock?: never; missing: Missing };

/** Opens a lock, or says that nobody has made it yet, or that it has lost its semaphore. */
export function openExisting(name: string, output: OutputOptions): Existing {
  try {
    return { lock: new ResourceLock(name, { create: false, logger: lockLogger(output) }) };
  } catch (error) {
    if (!(error instanceof LockNotFoundError)) throw error;
    return { missing: missingLock(error.lockName) };
  }
}

/** The same, for who changes the lock: one that has lost its semaphore is made whole. */
export function openWhole(name: string, output: OutputOptions): Existing {
  const existing = openExisting(name, output);
  if (existing.missing?.lost !== true) return existing;
  return { lock: new ResourceLock(name, { logger: lockLogger(output) }) };
}

function missingLock(name: string): Missing {
  const status = lostLockStatus(name);
  if (status === undefined) {
    return { text: messages.missing(name), json: missingFacts(name), lost: false, status: nobody };
  }
  const json = { ...missingFacts(name), locked: status.holders.length > 0 };
  return { text: messages.lost(name), json, lost: true, status };
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

/** The state of a lock that is not there. */
export function stateOfMissing({ text, json, status }: Missing): State {
  return stateFrom(text, json, status);
}

function stateFrom(text: string, facts: LockFacts, status: LockStatus): State {
  const { exists, locked, info } = facts;
  return { text, json: { ...facts, ...status }, exists, locked, info, status };
}
