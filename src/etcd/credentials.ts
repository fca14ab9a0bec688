/** User, password and certificates for a lock server: from the environment and from files, never from the command line. */
import { closeFile, descriptorStatus, openToRead, readFile } from "../posix/file.ts";
import { isPosixError } from "../posix/libc.ts";
import { effectiveUserId } from "../posix/user.ts";
import { LockServerError } from "../lock/errors.ts";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What fetch() takes as `tls`. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Always true: NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment must not switch it off. */
  readonly rejectUnauthorized: true;
  readonly serverName?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * User and password of RESOURCELOCK_SERVER_USER and RESOURCELOCK_SERVER_PASSWORD, or of the file that
 * RESOURCELOCK_SERVER_PASSWORD_FILE names; undefined if no user is given.
 *
 * @throws {LockServerError} with fault `denied` if others may read the file, `address` if a user has no password
 */
export function credentialsFrom(environment: Environment): Credentials | undefined {
  const user = environment["RESOURCELOCK_SERVER_USER"] ?? "";
  if (user === "") return undefined;
  const path = environment["RESOURCELOCK_SERVER_PASSWORD_FILE"] ?? "";
  const password =
    path === ""
      ? (environment["RESOURCELOCK_SERVER_PASSWORD"] ?? "")
      : readSecret(path, "RESOURCELOCK_SERVER_PASSWORD_FILE").replace(/\r?\n$/, "");
  if (password === "") {
    throw new LockServerError(
      "address",
      "Cannot log in to the lock server: RESOURCELOCK_SERVER_USER has no password; set RESOURCELOCK_SERVER_PASSWORD or RESOURCELOCK_SERVER_PASSWORD_FILE",
    );
  }
  return { user, password };
}

/** Certificates of RESOURCELOCK_SERVER_CA, _CERT and _KEY, which name PEM files. */
export function tlsFrom(environment: Environment): TlsSettings {
  const read = (name: string, reader: (path: string, variable: string) => string) => {
    const path = environment[name] ?? "";
    return path === "" ? undefined : reader(path, name);
  };
  const ca = read("RESOURCELOCK_SERVER_CA", readWhole);
  const cert = read("RESOURCELOCK_SERVER_CERT", readWhole);
  const key = read("RESOURCELOCK_SERVER_KEY", readSecret);
  if ((cert === undefined) !== (key === undefined)) {
    throw new LockServerError(
      "address",
      "Cannot use a client certificate: set both RESOURCELOCK_SERVER_CERT and RESOURCELOCK_SERVER_KEY",
    );
  }
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** More than any certificate bundle of a system has. */
const maxFileBytes = 2 ** 20;

function readWhole(path: string, variable: string): string {
  return readChecked(path, variable, false);
}

/** A file that nobody but its owner may read, and whose owner is this user or root. */
function readSecret(path: string, variable: string): string {
  return readChecked(path, variable, true);
}

/** @param variable which names the file, for messages */
function readChecked(path: string, variable: string, isSecret: boolean): string {
  const refuse = (cause: string) =>
    new LockServerError(
      "denied",
      `Cannot use file ${JSON.stringify(path)} of ${variable}: ${cause}`,
    );
  let descriptor: number;
  try {
    descriptor = openToRead(path);
  } catch (error) {
    if (!isPosixError(error, "ENOENT", "EACCES", "ENOTDIR", "ELOOP")) throw error;
    throw refuse(error.code === "ENOENT" ? "it does not exist" : "it cannot be read");
  }
  try {
    const { mode, userId, isRegularFile } = descriptorStatus(descriptor);
    if (isSecret && isRegularFile) {
      if ((mode & 0o077) !== 0) throw refuse("others can read it; run: chmod 600");
      if (userId !== 0 && userId !== effectiveUserId()) throw refuse("it belongs to another user");
    }
    const bytes = new Uint8Array(maxFileBytes);
    let length = 0;
    for (;;) {
      const count = readFile(descriptor, bytes.subarray(length));
      if (count === 0) break;
      length += count;
    }
    if (length === maxFileBytes) throw refuse("it is too long");
    return new TextDecoder().decode(bytes.subarray(0, length));
  } catch (error) {
    if (isPosixError(error, "EISDIR", "E21")) throw refuse("it is a directory");
    throw error;
  } finally {
    closeFile(descriptor);
  }
}
