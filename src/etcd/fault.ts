/** What can go wrong with a lock server, by what a caller can do about it. */
import { LockServerError, type ServerFault } from "../lock/errors.ts";

/** gRPC status codes that etcd answers with. */
const grpc = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Faults that another member of the cluster may not have. */
const tryElsewhere: ReadonlySet<ServerFault> = new Set([
  "unavailable",
  "notGateway",
  "tls",
  "corrupt",
  "tooLong",
]);

/** Whether the same request may succeed at another member. */
export function mayWorkElsewhere(error: LockServerError): boolean {
  return tryElsewhere.has(error.fault);
}

/**
 * Texts of etcd's errors (server/etcdserver/api/v3rpc/rpctypes/error.go), in the order in which they are looked
 * for. The HTTP status is not looked at: etcd 3.5 changed it (412 to 400, 408 to 504).
 */
const faultsByText: readonly (readonly [text: string, fault: ServerFault])[] = [
  ["user name is empty", "unauthenticated"],
  ["invalid auth token", "unauthenticated"],
  ["revision of auth store is old", "unauthenticated"],
  ["invalid user ID or password", "denied"],
  ["authentication is not enabled", "authDisabled"],
  ["permission denied", "denied"],
  ["requested lease not found", "leaseGone"],
  ["lease already exists", "leaseExists"],
  ["required revision has been compacted", "compacted"],
  ["required revision is a future revision", "compacted"],
  ["database space exceeded", "noSpace"],
  ["request is too large", "rejected"],
  ["too large lease TTL", "rejected"],
  ["context deadline exceeded", "unavailable"],
  ["request timed out", "unavailable"],
  ["no leader", "unavailable"],
  ["not leader", "unavailable"],
  ["leader changed", "unavailable"],
  ["transport is closing", "unavailable"],
  ["too many requests", "unavailable"],
  ["server stopped", "unavailable"],
];

const faultsByCode: Readonly<Record<number, ServerFault>> = {
  1: "unavailable",
  // Of its parts, as in "raft proposal dropped" or "lessor is not primary": it passes.
  [grpc.unknown]: "unavailable",
  [grpc.deadlineExceeded]: "unavailable",
  [grpc.permissionDenied]: "denied",
  [grpc.unavailable]: "unavailable",
  [grpc.unauthenticated]: "unauthenticated",
};

/** The fault that an error of etcd stands for, by its gRPC code and its text. */
export function faultOfAnswer(code: number, text: string): ServerFault {
  for (const [part, fault] of faultsByText) if (text.includes(part)) return fault;
  return faultsByCode[code] ?? "rejected";
}

const maxShownCharacters = 160;

/** A text of a server as a message may show it: on one line, without control characters, not too long. */
export function shownText(text: string): string {
  const line = text
    .trim()
    .replaceAll(/[^\u0020-\u007E\u00A0-\u{10FFFF}]+/gu, " ")
    .toWellFormed();
  return line.length > maxShownCharacters ? `${line.slice(0, maxShownCharacters)}…` : line;
}

/** Codes of fetch() that mean that the server's certificate, or ours, is refused. */
const tlsCode = /CERT|TLS|SSL|UNABLE_TO|SIGNATURE|EPROTO|HOSTNAME|FailedToOpenSocket/;

const connectionTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ConnectionRefused: "the connection was refused",
  ECONNRESET: "the connection was closed",
  ConnectionClosed: "the connection was closed",
  ENOTFOUND: "the host is not known",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to its host",
  ENETUNREACH: "there is no way to its network",
  TimeoutError: "it does not answer",
};

/** Codes of fetch() after which the request cannot have reached the server. */
const neverSent: ReadonlySet<string> = new Set(["ECONNREFUSED", "ConnectionRefused", "ENOTFOUND"]);

/** Turns an error of fetch(), or of reading its answer, into a {@link LockServerError}. */
export function connectionError(endpoint: string, error: unknown): LockServerError {
  if (error instanceof LockServerError) return error;
  const name = error instanceof Error ? error.name : "";
  const code = error instanceof Error && "code" in error ? String(error.code) : name;
  const text = error instanceof Error ? error.message : String(error);
  if (tlsCode.test(code)) {
    return new LockServerError(
      "tls",
      `Cannot use lock server ${endpoint}: TLS failed: ${shownText(text)} (${code})`,
    );
  }
  const cause = connectionTexts[code] ?? connectionTexts[name] ?? shownText(text);
  return new LockServerError("unavailable", `Cannot reach lock server ${endpoint}: ${cause}`, {
    wasSent: !neverSent.has(code),
  });
}
