/** The exit statuses, in one table that code and documentation share; 64 and up are sysexits(3)'s. */
import {
  LockCreateError,
  LockDamagedError,
  LockFullError,
  LockInfoError,
  LockLostError,
  LockNameError,
  LockPermissionError,
  LockServerError,
  type ServerFault,
} from "../lock/errors.ts";
import { PosixError } from "../posix/libc.ts";
import { UsageError } from "./arguments/words.ts";
import { OutputError } from "./terminal/output.ts";

/** What help and the documentation say about each, under its number or what `shown` has in its place. */
const table = [
  { name: "done", status: 0, text: "done; yes" },
  {
    name: "no",
    status: 1,
    text: "no: was not held (unget), is held (state --check), not under it (state --mine), in use (remove), no such lock (info, remove); doctor found something",
  },
  { name: "usage", status: 64, text: "wrong usage" },
  {
    name: "lost",
    status: 69,
    text: "run: the lock was lost while the command ran; unget in a session: it was lost before; a lock server cannot be reached",
  },
  { name: "internal", status: 70, text: "internal error" },
  {
    name: "os",
    status: 71,
    text: "the system failed: an output that is closed or full, a damaged lock",
  },
  {
    name: "cannotCreate",
    status: 73,
    text: "the lock cannot be created: /dev/shm is full, read-only or absent",
  },
  {
    name: "notGranted",
    status: 75,
    text: "not granted in time, or with wait not free; -E CODE changes it",
  },
  {
    name: "permissionDenied",
    status: 77,
    text: "the lock is another user's, or this user is not in the GROUP",
  },
  { name: "notExecutable", status: 126, text: "run: the command cannot be executed" },
  { name: "notFound", status: 127, text: "run: the command was not found" },
  {
    name: "killedBySignal",
    status: 128,
    shown: "128+N",
    text: "run: the command was killed by signal N",
  },
] as const;

type Row = (typeof table)[number];

/** The statuses by name; `killedBySignal` goes up by the signal's number. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets which name has which status.
export const exitCodes = Object.fromEntries(table.map(({ name, status }) => [name, status])) as {
  readonly [Name in Row["name"]]: Extract<Row, { name: Name }>["status"];
};

/** What `--help` and the documentation say about each. */
export const exitCodeTexts: readonly (readonly [status: string, text: string])[] = table.map(
  (row) => ["shown" in row ? row.shown : String(row.status), row.text],
);

/** The statuses for what can be wrong with a lock server; for all else it is a bug here. */
const serverStatuses: Partial<Record<ServerFault, number>> = {
  address: exitCodes.usage,
  otherCluster: exitCodes.usage,
  notGateway: exitCodes.usage,
  unavailable: exitCodes.lost,
  noSpace: exitCodes.os,
  corrupt: exitCodes.os,
  tooLong: exitCodes.os,
  denied: exitCodes.permissionDenied,
  unauthenticated: exitCodes.permissionDenied,
  tls: exitCodes.permissionDenied,
};

/** The exit status that an error ends the process with. */
export function exitCodeOf(error: unknown): number {
  if (
    error instanceof UsageError ||
    error instanceof LockNameError ||
    error instanceof LockInfoError
  ) {
    return exitCodes.usage;
  }
  if (error instanceof LockServerError) return serverStatuses[error.fault] ?? exitCodes.internal;
  if (error instanceof LockLostError) return exitCodes.lost;
  if (error instanceof LockPermissionError) return exitCodes.permissionDenied;
  if (error instanceof LockCreateError) return exitCodes.cannotCreate;
  if (
    error instanceof LockDamagedError ||
    error instanceof LockFullError ||
    error instanceof OutputError ||
    error instanceof PosixError
  ) {
    return exitCodes.os;
  }
  return exitCodes.internal;
}
