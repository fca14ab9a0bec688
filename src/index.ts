/** The library: `import { ResourceLock } from "resourcelock"`. */
export * from "./lock/errors.ts";
export { LockGuard } from "./lock/guard.ts";
export type {
  Attachment,
  GrantRecord,
  HolderStatus,
  LockStatus,
  ParticipantStatus,
} from "./lock/status.ts";
export {
  type GetLockOptions,
  ResourceLock,
  type ResourceLockOptions,
  type UngetLockOptions,
} from "./host/resource-lock.ts";
export type { LockLogger } from "./lock/messages.ts";
export { PosixError } from "./posix/libc.ts";
