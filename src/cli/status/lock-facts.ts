/** What `--json` tells of every lock. */
import type { LockState } from "../../lock/status.ts";

export interface LockFacts {
  name: string;
  exists: boolean;
  locked: boolean;
  /** The semaphore's value; null where there is none. */
  value: number | null;
  /** The info text; null where there is no lock. */
  info: string | null;
}

/** The facts of a lock; undefined stands for a lock that does not exist. */
export function lockFacts(name: string, lock: LockState | undefined): LockFacts {
  if (lock === undefined) return { name, exists: false, locked: false, value: null, info: null };
  const { exists, locked, value, info } = lock;
  return { name, exists, locked: locked ?? false, value, info };
}
