/**
 * The contract between the commands and the place where locks live: one host (src/host) or etcd (src/etcd).
 *
 * An engine is a session: it owns what ends with it, such as open files, or the lease that several grants share.
 * Types only; an engine may use whatever it likes, and a command knows nothing but this.
 */
import type { Circle } from "./circle.ts";
import type { RequestedKind } from "./kinds.ts";
import type { LockLostError } from "./errors.ts";
import type { GrantRecord, HolderStatus, LockState, ProcessLabel } from "./status.ts";

/** A request for a lock. */
export interface AcquireRequest {
  /** @default "exclusive" */
  readonly kind?: RequestedKind | undefined;
  /** The info text after the date: who takes the lock, and why. Others see its first bytes. */
  readonly message: string;
  /** Whether a message that is too long is cut to the room there is; else that is an error. @default false */
  readonly cutMessage?: boolean | undefined;
  /** How long to wait: 0 tries once, Infinity waits forever. */
  readonly timeoutSeconds: number;
  /** Whether to take over from a holder that died. @default true */
  readonly adopt?: boolean | undefined;
  /**
   * The process that {@link Grant.detach} is going to bind the hold to. It is looked up at the start, so that another
   * process that gets its number while the request waits is not taken for it.
   */
  readonly ownerProcess?: number | undefined;
  /** Withdraws the request: acquire() rejects with the signal's reason, and nothing stays taken. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when the wait begins and about once a second from then on. In between an engine may hold the thread, so
   * the caller's timers do not run. What it throws withdraws the request, and acquire() rejects with it.
   *
   * @param describe tells what is waited for; it is the expensive part
   */
  readonly onWait?: ((waitedSeconds: number, describe: () => WaitState) => void) | undefined;
  /** Keeps only the latest of the waiters that say so; the others are refused as superseded. @default false */
  readonly newest?: boolean | undefined;
  /** As `newest`, and a holder that was granted with `replace` is asked to leave. @default false */
  readonly replace?: boolean | undefined;
  /**
   * Makes the hold last as long as a process has its {@link Grant.childDescriptor} open, and the end of these a release:
   * the next participant does not take it for a death. @default false
   */
  readonly endsByRelease?: boolean | undefined;
  /** Refuses at once, unless it can be granted at once, when so many wait already. @default Infinity */
  readonly maxWaiters?: number | undefined;
}

/** What a waiting request waits for. */
export interface WaitState {
  /** Its place in the queue, from 1. */
  readonly place: number;
  /** How many wait, this one included. */
  readonly waiting: number;
  readonly holders: readonly HolderStatus[];
  /** The info text of the lock. */
  readonly info: string;
  /** The holder that this process runs under, which waits for this process to end; see {@link LockEngine.holdAround}. */
  readonly around?: HolderStatus | undefined;
}

/** A request that was not granted. It took nothing, and it has left the queue. */
export interface Refusal {
  readonly granted: false;
  readonly name: string;
  /** Time is up; a newer request came; too many wait; or it waits, through others, for itself. */
  readonly reason: "timeout" | "superseded" | "crowded" | "deadlock";
  /** The request that superseded it, those that wait already, or those of the circle of a deadlock; else empty. */
  readonly by: readonly ProcessLabel[];
  /** The circle of a deadlock, from the wait that was given up on. */
  readonly circle?: Circle | undefined;
  /** The lock as it was when the request was refused; undefined where it is for the caller to look at. */
  readonly seen?: LockState | undefined;
}

/** A lock that is held. Disposing of it releases it; a second release changes nothing. */
export interface Grant extends AsyncDisposable {
  readonly granted: true;
  readonly name: string;
  /** The fencing token: higher than that of every grant before. */
  readonly token: number;
  /** The number of its slot, from 0; null where there are none. */
  readonly slot: number | null;
  /** What the slot stands for; null where slots have no names. */
  readonly slotName: string | null;
  /** The info text that the grant wrote. */
  readonly info: string;
  /** The holder that died, where this grant took over from one. */
  readonly adoptedFrom: ProcessLabel | undefined;
  /**
   * What a command tells the runs inside it of the hold, for {@link LockEngine.holdAround}. Engines differ in their
   * tokens, so each knows its own. @default the token
   */
  readonly claim?: string;
  /** What other programs tell a command that runs under the same lock: names of variables and their values. */
  readonly variables?: Readonly<Record<string, string>>;
  /**
   * Starts to watch for the loss of the hold.
   *
   * @returns a signal that is aborted, with a {@link LockLostError} as its reason, when the hold was forced away, was
   * asked to leave, or is about to expire; the same one every time. What comes later {@link findLoss} tells
   */
  watchLoss(): AbortSignal;
  /** Looks now, and without waiting, how the hold was lost: the worse of two, such as a lease that ended later. */
  findLoss(): LockLostError | undefined;
  /**
   * Opens a descriptor for a command to inherit: the lock stays held while any process has it open.
   *
   * @param lowest the lowest number it may have
   * @returns undefined where the engine has no such descriptors
   */
  childDescriptor(lowest: number): number | undefined;
  /**
   * Leaves the lock held without this process, until it is released by force.
   *
   * @param until.process releases it when this process ends
   * @param until.seconds releases it after this time
   * @returns false when it was lost already
   */
  detach(until?: DetachOptions): Promise<boolean>;
  /** @returns undefined when the hold was still this one's to release; else how it was lost */
  release(options?: ReleaseOptions): Promise<LockLostError | undefined>;
}

export interface DetachOptions {
  readonly process?: number | undefined;
  readonly seconds?: number | undefined;
}

export interface ReleaseOptions {
  /** The releaser, for the debug text. */
  readonly whereCalled?: string | undefined;
  /** The exit status of the command that ran under it, for the history. */
  readonly exitStatus?: number | undefined;
  /** Leaves it to the lease where the release has to be waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** A forced release: by whom, and which hold is meant. */
export interface ForceReleaseOptions {
  /** The one who does it, and why: the loser is told, and so is the debug text. */
  readonly by: string;
  /** Releases only the hold with this token. */
  readonly onlyToken?: number | undefined;
  /** Releases only holds that are bound to this process, or are this process's. */
  readonly onlyOwnerPid?: number | undefined;
}

export interface ForcedRelease {
  /** Released; free already; held, but not by whom `only...` names; or no such lock. */
  readonly outcome: "released" | "free" | "not-meant" | "missing";
  /** The holders that lost it, or those that `only...` spared. */
  readonly holders: readonly HolderStatus[];
}

export interface WatchOptions {
  /** How often to look, where nothing tells the engine of changes. */
  readonly everySeconds: number;
  /** The first pause, where that is shorter: it grows to `everySeconds`. */
  readonly firstSeconds?: number | undefined;
  /** Ends the watch, which yields once in any case. */
  readonly signal: AbortSignal;
  /** Whether it fails when a server stays away; else that is waited for. @default false */
  readonly endsWithServer?: boolean | undefined;
}

/** How far a look may go. An engine that waits for nobody needs no limits. */
export interface LookLimits {
  /** How long to wait for an answer. @default as long as the engine thinks fit, which is also the most */
  readonly seconds?: number | undefined;
  /** Ends the look, which rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What an engine may lack. A request for it is a usage error, which the command line reports before it asks. */
type Feature = "access" | "adopt" | "owner-process" | "ttl" | "newest" | "replace" | "max-waiters";

/** The place where locks live. */
export interface LockEngine extends AsyncDisposable {
  readonly unsupported: ReadonlySet<Feature>;
  /** Whether holds end with a lease: then whoever runs something under one has to watch for its loss, and stop it. */
  readonly isLeased: boolean;
  /**
   * Takes a lock, and makes it if there is none.
   *
   * @throws {LockNameError} for a name that cannot be used
   * @throws {LockInfoError} when the message does not fit
   */
  acquire(name: string, request: AcquireRequest): Promise<Grant | Refusal>;
  /** Does ahead, while a request waits, what {@link Grant.childDescriptor} will need. */
  prepareDescriptors?(): void;
  /** Looks at a lock. @returns undefined when there is no such lock */
  inspect(name: string, limits?: LookLimits): Promise<LockState | undefined>;
  /**
   * Looks at a lock again and again: yields its state at once, then after each pause and whenever it is told of a
   * change.
   */
  watch(name: string, options: WatchOptions): AsyncIterable<LockState | undefined>;
  /**
   * Looks at all locks, in no order.
   *
   * @param options.onlyStale looks for what holders that died have left: locks, and remains of locks
   */
  list(options?: { readonly onlyStale?: boolean }): Promise<LockState[]>;
  /**
   * The last grants and refusals of a lock, the oldest first; undefined when there is no such lock.
   *
   * @param options.max how many are of use; an engine may give more
   */
  history(
    name: string,
    options?: { readonly max?: number | undefined },
  ): Promise<GrantRecord[] | undefined>;
  /**
   * Finds the hold that this process runs under: one whose process, or the process it is bound to, is this process
   * or an ancestor of it; or one that the caller was told of (an environment may outlive the hold).
   *
   * @param claims as in {@link Grant.claim}
   */
  holdAround(
    name: string,
    claims: readonly string[],
    limits?: LookLimits,
  ): Promise<HolderStatus | undefined>;
  /** Finds the circles of waits among all locks. @param seen all of them, where they were looked at just now */
  deadlocks(seen?: readonly LockState[]): Promise<Circle[]>;
  /** Releases a lock whoever holds it. A holder that loses it this way goes on without it. */
  forceRelease(name: string, options: ForceReleaseOptions): Promise<ForcedRelease>;
  /** Writes the info text, whoever holds the lock. @returns false when there is no such lock */
  writeInfo(name: string, text: string): Promise<boolean>;
}
