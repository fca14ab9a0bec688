/** What the ledger of a lock remembers of its last grants. */

/** A request for a lock, and what came of it. */
export interface GrantRecord {
  /** Its process; null where there was none or nobody knows. */
  pid: number | null;
  /** The first bytes of its message, the command line by default. */
  command: string;
  kind: "exclusive" | "shared" | "slots";
  /** The number of its slot; null where there are none. */
  slot: number | null;
  /** The fencing token; null where it was not granted. */
  token: number | null;
  /** When it was made, in seconds since 1970. */
  queued: number;
  /** When it was granted; null where it gave up or still waits. */
  granted: number | null;
  /** When it ended; null where it has not. */
  ended: number | null;
  /**
   * How it ended, or how it stands: released by its holder; forced from it; recovered, by the next waiter after
   * its holder died; lapsed, as it was not granted in time.
   */
  ending: "waiting" | "held" | "detached" | "released" | "forced" | "recovered" | "lapsed";
}
