/** What `--json` tells of every lock. */
import type { ResourceLock } from "../../host/resource-lock.ts";

export interface LockFacts {
  name: string;
  exists: boolean;
  locked: boolean;
  /** The semaphore's value; null where there is no lock. */
  value: number | null;
  /** The info text; null where there is no lock. */
  info: string | null;
}

/** The facts of a lock that is there. */
export function lockFacts(lock: ResourceLock): LockFacts & { info: string } {
  const value = lock.lockValue();
  return {
    name: lock.lockName,
    exists: true,
    locked: value === 0,
    value,
    info: lock.getLockInfo(),
  };
}

/** The facts of one that nobody has made. */
export function missingFacts(name: string): LockFacts {
  return { name, exists: false, locked: false, value: null, info: null };
}
