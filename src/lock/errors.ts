/** The errors that a caller may want to catch; all are a {@link ResourceLockError}. */
import { type HolderStatus, pidText, type ProcessLabel } from "./status.ts";

/** What this library throws on purpose. */
export class ResourceLockError extends Error {
  override readonly name: string = "ResourceLockError";
}

/** A lock name that cannot be used. */
export class LockNameError extends ResourceLockError {
  override readonly name = "LockNameError";
}

/** An info text that cannot be stored: too long for the segment, or with a NUL in it. */
export class LockInfoError extends ResourceLockError {
  override readonly name = "LockInfoError";
}

/** A lock that was used after `close()`. */
export class LockClosedError extends ResourceLockError {
  override readonly name = "LockClosedError";
}

/** A lock that nobody has made yet, opened with `create: false`. */
export class LockNotFoundError extends ResourceLockError {
  override readonly name = "LockNotFoundError";
  /** The lock's name. */
  readonly lockName: string;

  constructor(lockName: string) {
    super(`Cannot open lock "${lockName}": there is no such lock on this host`);
    this.lockName = lockName;
  }
}

/** A lock that was not granted in time. */
export class LockTimeoutError extends ResourceLockError {
  override readonly name = "LockTimeoutError";
  /** The lock's name. */
  readonly lockName: string;
  /** How long the request waited at most. */
  readonly timeoutSeconds: number;
  /** The holders when time was up, as far as that is known. */
  readonly holders: readonly HolderStatus[];

  constructor(lockName: string, timeoutSeconds: number, holders: readonly HolderStatus[]) {
    const limit = timeoutSeconds === 0 ? "without waiting" : `within ${timeoutSeconds} s`;
    super(`Cannot get lock "${lockName}" ${limit}: ${whoHolds(holders)}`);
    this.lockName = lockName;
    this.timeoutSeconds = timeoutSeconds;
    this.holders = holders;
  }
}

/** How many holders a message names. */
const maxHoldersNamed = 3;

function whoHolds(holders: readonly HolderStatus[]): string {
  // It was released, or waiters that came first had not taken it yet.
  if (holders.length === 0) return "others were before this request";
  const named = holders.slice(0, maxHoldersNamed).map(holderName);
  const more = holders.length - named.length;
  return `held by ${named.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}

function holderName(holder: HolderStatus): string {
  const { command, attachment } = holder;
  const number = pidText(holder);
  if (number !== undefined) return command === "" ? number : `${number} (${command})`;
  if (command !== "") return `${command} (no process)`;
  return attachment === "foreign" ? "a Python (cjnfuncs) program" : "no process";
}

/** A lock that belongs to another user and is not shared with this one. */
export class LockPermissionError extends ResourceLockError {
  override readonly name = "LockPermissionError";
}

/** A lock that could not be created: /dev/shm is full, read-only or absent. */
export class LockCreateError extends ResourceLockError {
  override readonly name = "LockCreateError";
}

/** Objects in /dev/shm that are not, or are no longer, those of a lock. */
export class LockDamagedError extends ResourceLockError {
  override readonly name = "LockDamagedError";
}

/** More participants than a lock can have at once: 1,023. */
export class LockFullError extends ResourceLockError {
  override readonly name = "LockFullError";
}

/** Why a hold was lost. */
export interface LockLoss {
  /** Somebody released it by force; its lease ran out; or its owner was asked to leave for a newer request. */
  readonly reason: "forced" | "expired" | "replaced";
  /** The one who did it; undefined if nobody did, or nobody knows. */
  readonly by?: string | undefined;
  /** The newer request that it was replaced for. */
  readonly newer?: ProcessLabel | undefined;
  /** When all that runs under it must have ended, on CLOCK_BOOTTIME; undefined where nothing is stopped for it. */
  readonly killBySeconds?: number | undefined;
}

/** A lock that was lost while it was held. */
export class LockLostError extends ResourceLockError {
  override readonly name = "LockLostError";
  /** The lock's name. */
  readonly lockName: string;
  /** Why it was lost. */
  readonly loss: LockLoss;

  constructor(lockName: string, loss: LockLoss) {
    super(
      `Lost lock "${lockName}": ${lossTexts[loss.reason]}${loss.by === undefined ? "" : ` by ${loss.by}`}`,
    );
    this.lockName = lockName;
    this.loss = loss;
  }
}

const lossTexts = {
  forced: "it was released by force",
  expired: "its lease ran out",
  replaced: "it was replaced",
} as const satisfies Record<LockLoss["reason"], string>;

/**
 * What went wrong with a lock server: its address is no URL; no member answers, or none has a leader; the log-in has
 * expired; user, password or rights are refused; it knows no users; the lease is gone, or is there already; the
 * history asked for is gone; its space is used up; it is not an etcd gateway; TLS refuses it, or it refuses ours; its
 * answer is no answer of etcd, or too long to be read; it belongs to another cluster; it refuses the request for a reason of its own.
 */
export type ServerFault =
  | "address"
  | "unavailable"
  | "unauthenticated"
  | "denied"
  | "authDisabled"
  | "leaseGone"
  | "leaseExists"
  | "compacted"
  | "noSpace"
  | "notGateway"
  | "tls"
  | "corrupt"
  | "tooLong"
  | "otherCluster"
  | "rejected";

/** A lock server that cannot be used, or refuses. */
export class LockServerError extends ResourceLockError {
  override readonly name = "LockServerError";
  /** What went wrong. */
  readonly fault: ServerFault;
  /** Whether the request may have been carried out all the same. */
  readonly wasSent: boolean;

  constructor(fault: ServerFault, message: string, { wasSent = true } = {}) {
    super(message);
    this.fault = fault;
    this.wasSent = wasSent;
  }
}
