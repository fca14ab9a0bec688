/** For the commands that look at a lock and must not make one. */
import { LockNotFoundError } from "../lock/errors.ts";
import type { LockStatus } from "../lock/lock-status.ts";
import { messages } from "../lock/messages.ts";
import { ResourceLock } from "../lock/resource-lock.ts";
import { lockLogger, type OutputOptions } from "./output.ts";

/** What there is to say about a lock. */
interface Report {
  text: string;
  json: object;
}

type Existing = { lock: ResourceLock; missing?: never } | { lock?: never; missing: Report };

/** Opens a lock, or says that nobody has made it yet. */
export function openExisting(name: string, output: OutputOptions): Existing {
  try {
    return { lock: new ResourceLock(name, { create: false, logger: lockLogger(output) }) };
  } catch (error) {
    if (!(error instanceof LockNotFoundError)) throw error;
    const json = {
      name: error.lockName,
      exists: false,
      locked: false,
      value: null,
      info: null,
    };
    return { missing: { text: messages.missing(error.lockName), json } };
  }
}

/** The state of a lock. */
export interface State extends Report {
  locked: boolean;
  /** The info text; null where there is no lock. */
  info: string | null;
  status: LockStatus;
}

/** The state of a lock, in the words of cjnfuncs.resourcelock. */
export function stateOf(name: string, output: OutputOptions): State {
  const { lock, missing } = openExisting(name, output);
  if (lock === undefined) {
    const status = { holders: [], waiters: [], grants: 0, recoveries: 0 };
    const json = { ...missing.json, ...status };
    return { text: missing.text, json, locked: false, info: null, status };
  }
  try {
    const value = lock.lockValue();
    const locked = value === 0;
    const info = lock.getLockInfo();
    const status = lock.status();
    const json = { name: lock.lockName, exists: true, locked, value, info, ...status };
    return { text: messages.state(lock.lockName, locked, info), json, locked, info, status };
  } finally {
    lock.close();
  }
}
