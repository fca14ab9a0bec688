/** The one place that chooses where locks live. Commands know the contract (src/lock/engine.ts) and nothing behind it. */
import { HostEngine } from "../host/engine.ts";
import { lockNamesOnHost } from "../host/objects/files.ts";
import type { LockEngine } from "../lock/engine.ts";
import type { DebugMethod } from "../lock/messages.ts";
import { bootSeconds } from "../posix/clock.ts";
import { parseDuration } from "./arguments/values.ts";
import { UsageError } from "./arguments/words.ts";
import { lockLogger, type OutputOptions, warnMeanwhile } from "./terminal/output.ts";

export interface EngineOptions {
  readonly output: OutputOptions;
  /** The method whose debug text is the command's result, so that -v does not say it twice. */
  readonly resultOf?: DebugMethod;
  /** The access to locks that are created: permission bits, and a group by name or number. */
  readonly access?: { readonly mode?: number | undefined; readonly group?: string | undefined };
  /** What --server says; RESOURCELOCK_SERVER stands in for it. */
  readonly server?: string | undefined;
  /** What --ttl says. */
  readonly ttl?: string | undefined;
  /** Whether to take over from a holder that died. @default true */
  readonly adopt?: boolean | undefined;
  /** Whether what runs under a lock takes the place of this process. @default false */
  readonly execs?: boolean | undefined;
  /** Whether what runs under a lock is stopped when its lease cannot be kept. @default true */
  readonly stops?: boolean | undefined;
}

/** The names of the locks that a shell can complete: those of this host. */
export { lockNamesOnHost };

/** The word that makes this program a keeper of locks on a server. It is for no person to give. */
export const keeperCommand = "__keeper";

/** The servers that are meant: those of --server, or of RESOURCELOCK_SERVER; empty for the locks of this host. */
export function serversOf(server: string | undefined): string {
  return server ?? process.env["RESOURCELOCK_SERVER"] ?? "";
}

/**
 * Opens the engine; disposing of it ends what it keeps open.
 *
 * @throws {UsageError} for a mode or a group that there is not, and for an option that means nothing where the locks are
 */
export async function openEngine(options: EngineOptions): Promise<LockEngine> {
  const servers = serversOf(options.server);
  if (servers !== "" || options.server !== undefined) return await openEtcd(servers, options);
  if (options.ttl !== undefined) throw new UsageError("--ttl means nothing without --server");
  const { output, access, resultOf } = options;
  try {
    // In our order of words the result is another text.
    const told = output.seedOrder ? resultOf : undefined;
    const logger = lockLogger(output, told);
    const warn = (text: string) => output.quiet || warnMeanwhile(text);
    return new HostEngine({ ...access, logger, warn, forcedBy: askingProcess() });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** The shell, script or service that this program works for: that is still there when somebody wants to know. */
function askingProcess(): number {
  // 0 is one of another PID namespace, 1 has taken over an orphan.
  return process.ppid > 1 ? process.ppid : process.pid;
}

async function openEtcd(servers: string, options: EngineOptions): Promise<LockEngine> {
  const { output, access, ttl, adopt = true, execs = false, stops = true } = options;
  if (access?.mode !== undefined) throw meansNothing("--mode");
  if (access?.group !== undefined) throw meansNothing("--group");
  if (!adopt) throw meansNothing("--no-adopt");
  if (execs) {
    throw new UsageError(
      "--no-fork cannot be used with --server: run has to stay, to renew the lease",
    );
  }
  const ttlSeconds = ttl === undefined ? undefined : parseTtl(ttl);
  connectEarly(servers);
  const { EtcdEngine } = await import("../etcd/engine.ts");
  const { ProcessKeeper } = await import("../etcd/process-keeper.ts");
  const warn = (text: string) => output.quiet || warnMeanwhile(text);
  // It is there even if the file was replaced or deleted meanwhile.
  const program = ["/proc/self/exe", keeperCommand];
  return new EtcdEngine({
    servers,
    environment: process.env,
    ttlSeconds,
    clock: bootSeconds,
    keeper: new ProcessKeeper({ program, stops, warn }),
    isShortLived: true,
    warn,
  });
}

/** A first server without TLS, with its port: no other one can be connected to without having been parsed. */
const plainServer = /^http:\/\/[\w.:[\]-]+:\d+(?=[,/]|$)/;

/** Has the connection made while the engine is loaded. Whatever is wrong with it is told by the first request. */
function connectEarly(servers: string): void {
  const [url] = plainServer.exec(servers) ?? [];
  if (url !== undefined && URL.canParse(url)) fetch.preconnect(url);
}

/** A TTL in the whole seconds that a server counts in. @throws {UsageError} */
export function parseTtl(text: string): number {
  const seconds = parseDuration("--ttl", text);
  if (seconds < 1) throw new UsageError(`--ttl: ${JSON.stringify(text)} is shorter than 1s`);
  return Math.ceil(seconds);
}

function meansNothing(option: string): UsageError {
  return new UsageError(`${option} means nothing with --server`);
}

/** Runs this process as a keeper, which `run` and `get` start, to its end. */
export async function runServerKeeper(): Promise<void> {
  const keeper = await import("../etcd/keeper-process.ts");
  await keeper.runKeeper();
}

/** Checks the servers that are meant, for `doctor`; nothing when none are. */
export async function serverFindings(server: string | undefined) {
  const servers = serversOf(server);
  if (servers === "") return [];
  const { checkServers } = await import("../etcd/server-check.ts");
  return await checkServers(servers, process.env);
}
