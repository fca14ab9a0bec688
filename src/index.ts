/** The library: `import { ResourceLock } from "resourcelock"`. */
export * from "./lock/errors.ts";
export { LockGuard } from "./lock/lock-guard.ts";
export type { GrantRecord } from "./lock/lock-history.ts";
export type {
  Attachment,
  HolderStatus,
  LockStatus,
  ParticipantStatus,
} from "./lock/lock-status.ts";
export {
  type GetLockOptions,
  type LockLogger,
  ResourceLock,
  type ResourceLockOptions,
  type UngetLockOptions,
} from "./lock/resource-lock.ts";
export { PosixError } from "./posix/libc.ts";
