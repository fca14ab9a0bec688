/** For the commands that look at a lock and must not make one. */
import { LockNotFoundError } from "../../lock/errors.ts";
import { lostLockStatus } from "../../host/inventory/leftover.ts";
import { type GrantRecord, type LockStatus, nobody } from "../../lock/status.ts";
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
    return {
      text: `lock "${name}" does not exist on this host`,
      json: missingFacts(name),
      lost: false,
      status: nobody,
    };
  }
  const json = { ...missingFacts(name), locked: status.holders.length > 0 };
  return { text: lostText(name), json, lost: true, status };
}

function lostText(name: string): string {
  return `lock "${name}" lost its semaphore while in use; the next run or get recreates it`;
}

/** The state of a lock: the facts, and who holds it and waits. */
export interface State extends Pick<LockFacts, "name" | "exists" | "locked" | "info"> {
  json: object;
  status: LockStatus;
  /** The last grant of a free lock, when it was asked for. */
  last?: GrantRecord | undefined;
}

/**
 * The state of the lock of a name, which may not be there.
 *
 * @param options.withLast whether to look who had a free lock last
 */
export function stateOfName(
  name: string,
  output: OutputOptions,
  { withLast = false }: { withLast?: boolean } = {},
): State {
  const { lock, missing } = openExisting(name, output);
  if (lock === undefined) return stateOfMissing(missing);
  try {
    const state = stateOf(lock);
    if (!withLast || state.locked) return state;
    return { ...state, last: lock.history().findLast(({ granted }) => granted !== null) };
  } finally {
    lock.close();
  }
}

/** The state of a lock. */
export function stateOf(lock: ResourceLock): State {
  return stateFrom(lockFacts(lock), lock.status());
}

/** The state of a lock that is not there. */
export function stateOfMissing({ json, status }: Missing): State {
  return stateFrom(json, status);
}

function stateFrom(facts: LockFacts, status: LockStatus): State {
  const { name, exists, locked, info } = facts;
  return { json: { ...facts, ...status }, name, exists, locked, info, status };
}
