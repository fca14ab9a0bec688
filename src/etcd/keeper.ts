/** A second process that keeps a lease, and the means to stop what runs under its locks: what an engine asks of it. */
import type { Hold } from "./hold.ts";
import type { KeptLock } from "./keeper-job.ts";
import type { Lease } from "./lease.ts";
import type { Session } from "./session.ts";

export interface Keeper {
  /** Whether what runs under the locks is stopped when their lease cannot be kept. */
  readonly stops: boolean;
  /** Opens, before there is a session, what the two processes will share. */
  prepare(): void;
  /**
   * Opens a descriptor for a command that runs under the locks of a session, and sees to it that they are kept.
   *
   * @param locks tells, later, which they are
   */
  childDescriptor(session: Session, locks: () => KeptLock[], lowest: number): number;
  /** Kills all that has such a descriptor open. */
  killAll(): void;
  /** Keeps a lock until another process has ended. */
  bindTo(session: Session, hold: Hold, lease: Lease, processId: number): Promise<void>;
  /**
   * Ends it, as all locks were released.
   *
   * @param options.endsLease whether it is to end the lease before; else it is gone at once. @default true
   * @returns whether it ends the lease
   */
  stop(options?: { endsLease: boolean }): boolean;
}
