/** What is compared. */

/** One that is compared. Where it is missing here, `missing` says what it needs. */
export interface Peer {
  name: string;
  version: string;
  missing?: string | undefined;
  environment: Record<string, string>;
}

/** A program that runs a command while it holds the lock of a name. */
export interface Runner extends Peer {
  words: (lockName: string, command: readonly string[]) => string[];
}

/** A process of its own that has a lock: see lockers/serve.ts. */
export interface Locker extends Peer {
  words: (lockName: string) => string[];
}

/** The names by which the works refer to some of them. */
export const names = {
  run: "resourcelock run",
  flock: "flock",
  sem: "sem",
  etcdctl: "etcdctl lock",
  semaphore: "C, sem_timedwait",
  getLock: "resourcelock, getLock",
  acquire: "resourcelock, acquire",
  python: "Python peer",
} as const;

/** These look again only every second or so while they wait. */
export const polling: ReadonlySet<string> = new Set(["lockfile", "dotlockfile", names.sem]);

export interface Peers {
  /** The programs that are made to run a command. */
  runners: Runner[];
  /** Scripts that do the same with a lock that is meant for use inside a process. */
  scripts: Runner[];
  lockers: Locker[];
}
