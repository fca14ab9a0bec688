/** The library: `import { withLock } from "resourcelock"`. */
export * from "./lock/errors.ts";
export { LockGuard } from "./lock/guard.ts";
export type {
  Attachment,
  GrantRecord,
  HolderStatus,
  KindName,
  LockCondition,
  LockState,
  LockStatus,
  ParticipantStatus,
  Pid,
  ProcessLabel,
} from "./lock/status.ts";
export type { GetLockOptions, ResourceLockOptions, UngetLockOptions } from "./host/lock-options.ts";
export { ResourceLock } from "./host/resource-lock.ts";
export type { DebugMethod, LockLogger } from "./lock/messages.ts";
export { watch, type WatchLockOptions } from "./host/watch-lock.ts";
export { withLock, type WithLockOptions } from "./host/with-lock.ts";
export { PosixError } from "./posix/libc.ts";
