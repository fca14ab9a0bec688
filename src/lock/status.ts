/** What can be told about a lock: who holds it, who waits, and what became of its earlier grants. */

/** The kind of a hold: one holder; any number that also say "shared"; up to N that say "slots". */
export type KindName = "exclusive" | "shared" | "slots";

/** The number of a process. */
export interface Pid {
  /** Its number on its host; null for a hold without a process, and where nobody knows. */
  readonly pid: number | null;
  /** Its number in its own PID namespace, where that is another one than the caller's; left out else. */
  readonly namespacePid?: number;
}

/** A process, as others see it. */
export interface ProcessLabel extends Pid {
  /** The first bytes of its message: the command line by default. */
  readonly command: string;
  /** The host it runs on; left out by an engine of one host. */
  readonly host?: string;
}

/** As in `pid 4242`; undefined where there is no process, or nobody knows. */
export function pidText({ pid, namespacePid }: Pid): string | undefined {
  if (pid !== null) return `pid ${pid}`;
  return namespacePid === undefined ? undefined : `pid ${namespacePid} of another PID namespace`;
}

/** A participant: it holds the lock, or waits for it. */
export interface ParticipantStatus extends ProcessLabel {
  /** Since when it holds or waits, in seconds since 1970; null where nobody knows. */
  readonly since: number | null;
  /** The kind of its hold, or of the one that it waits for. */
  readonly kind: KindName;
}

/**
 * How a lock is held: by a living participant; detached, with no process; bound to a process; by a peer that
 * knows no ledger; or by one that died, so that the next waiter adopts it.
 */
export type Attachment = "attached" | "detached" | "bound" | "foreign" | "stale";

/** A holder. */
export interface HolderStatus extends ParticipantStatus {
  /** How the lock is held. */
  readonly attachment: Attachment;
  /** The fencing token; null for a peer's hold. */
  readonly token: number | null;
  /** The number of its slot; null where there are none. */
  readonly slot: number | null;
  /** What its slot stands for; left out where slots have no names. */
  readonly slotName?: string;
  /** How many may hold at once, as this one asked for; null where there are no slots. */
  readonly slots: number | null;
}

/**
 * Whether a holder surely holds, for a process of its own. Token 0 is that of a waiter at the semaphore, which may have
 * the lock already: it may be the one that asks.
 */
export function isSureHolder({ attachment, token }: HolderStatus): boolean {
  return token !== 0 && (attachment === "attached" || attachment === "bound");
}

/** The holders and waiters of a lock, and how often it was granted. */
export interface LockStatus {
  /** The holders: several if they share it. */
  readonly holders: readonly HolderStatus[];
  /** In the order in which they will be served. */
  readonly waiters: readonly ParticipantStatus[];
  /** How many grants there were since the lock was made; a peer's do not count. */
  readonly grants: number;
  /** How many of them took over from a holder that died. */
  readonly recoveries: number;
  /** The tokens of holders that were asked to leave, and end their command; left out where there are none. */
  readonly leaving?: readonly number[];
}

/** The status of a lock that nobody uses, or that nobody can tell anything of. */
export const nobody: LockStatus = { holders: [], waiters: [], grants: 0, recoveries: 0 };

/**
 * `free`; `held`; `stale`: its holder died, and nobody has adopted it; `unreadable` by this user; `damaged`: what
 * is stored for it is not a lock's; `leftover`: remains of a lock that nobody uses.
 */
export type LockCondition = "free" | "held" | "stale" | "unreadable" | "damaged" | "leftover";

/** A lock at one moment. It may be out of date when it arrives, so it is for display only. */
export interface LockState extends LockStatus {
  /** The lock's name. */
  readonly name: string;
  /** How it is, in one word. */
  readonly state: LockCondition;
  /** Whether all of its objects are there; false for what is left of a lock, and for one that lost some in use. */
  readonly exists: boolean;
  /** Whether it is locked, by whomever; null where nobody can tell. */
  readonly locked: boolean | null;
  /** The semaphore's value; null where it cannot be read, and for an engine without semaphores. */
  readonly value: number | null;
  /** The info text; null where this user may not read it, or the lock is damaged. */
  readonly info: string | null;
  /** The number of the user whose it is; null where locks have no owner. */
  readonly userId: number | null;
}

/** A grant, or a request that was not granted. */
export interface GrantRecord extends ProcessLabel {
  /** The kind of the hold that was asked for. */
  readonly kind: KindName;
  /** The number of its slot; null where there are none. */
  readonly slot: number | null;
  /** What its slot stands for; left out where slots have no names. */
  readonly slotName?: string;
  /** The fencing token; null where it was not granted. */
  readonly token: number | null;
  /** Since when it waited, in seconds since 1970. */
  readonly queued: number;
  /** When it was granted; null where it gave up, or waits. */
  readonly granted: number | null;
  /** When the hold or the wait ended; null while it has not, or where nobody knows. */
  readonly ended: number | null;
  /**
   * What it does, or how it ended: it waits; it holds; it holds without a process; it died, and nobody has adopted
   * the lock yet; it released the lock; the lock was forced from it; it was asked to leave for a newer one, and left;
   * it died, and the next one adopted the lock; a newer one took its place in the queue; too many waited already; it
   * waited, through others, for itself; it gave up waiting, or died.
   */
  readonly ending:
    | "waiting"
    | "held"
    | "detached"
    | "stale"
    | "released"
    | "forced"
    | "replaced"
    | "recovered"
    | "superseded"
    | "crowded"
    | "deadlock"
    | "lapsed";
  /** The process that forced the lock from it, replaced or superseded it; null or left out if nobody did, or nobody knows. */
  readonly by?: string | null;
  /** The exit status of the command that ran under it; null or left out where nobody knows. */
  readonly exitStatus?: number | null;
}
