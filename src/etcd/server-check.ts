/** Checks of the servers themselves, for `doctor`: what is wrong with each, and what to do. */
import { LockServerError } from "../lock/errors.ts";
import { credentialsFrom, type Environment, tlsFrom } from "./credentials.ts";
import { Gateway } from "./gateway.ts";
import { shownText } from "./fault.ts";
import { idIn, type JsonObject, numberIn, textIn } from "./json.ts";
import { historyKeys, infoKeys } from "./keys.ts";
import { lockNames } from "./lock-state.ts";
import { range } from "./requests.ts";
import { parseServerList } from "./server-list.ts";

/** What was found about a server, as `doctor` tells it. */
export interface ServerFinding {
  readonly check: string;
  readonly verdict: "ok" | "note" | "warning" | "problem";
  readonly text: string;
  readonly advice?: string;
}

const checkSeconds = 5;
/** A difference of two clocks that is worth to be told. */
const minSkewSeconds = 2;

/**
 * The first versions of each line without the faults in which a deposed leader renews leases, or ends those that
 * were renewed (etcd issues 12528 and 15247).
 */
const soundPatches: Readonly<Record<string, number>> = { "3.4": 31, "3.5": 13 };

/** Looks at each member of a list, and at the cluster. */
export async function checkServers(
  servers: string,
  environment: Environment,
): Promise<ServerFinding[]> {
  let endpoints: string[];
  let gateway: Gateway;
  try {
    endpoints = parseServerList(servers);
    const credentials = credentialsFrom(environment);
    gateway = new Gateway({ endpoints, tls: tlsFrom(environment), credentials });
  } catch (error) {
    return [problem("server", error)];
  }
  const members: ServerFinding[] = [];
  for (const endpoint of endpoints) members.push(...(await checkMember(gateway, endpoint)));
  // Without a member that answers there is no cluster to ask.
  if (members.every(({ verdict }) => verdict === "problem")) return members;
  return [...members, await checkRights(gateway)];
}

async function checkMember(gateway: Gateway, endpoint: string): Promise<ServerFinding[]> {
  const check = `server ${endpoint}`;
  try {
    const askedAt = Date.now();
    const timeoutMilliseconds = checkSeconds * 1000;
    const { message, date } = await gateway.send(
      endpoint,
      "maintenance/status",
      {},
      { timeoutMilliseconds },
    );
    const skew = skewSeconds(date, askedAt, Date.now());
    return [{ check, ...verdictOn(message) }, ...aboutClock(endpoint, skew)];
  } catch (error) {
    return [problem(check, error)];
  }
}

/** What there is to say of a member by its answer about itself. */
function verdictOn(message: JsonObject): Omit<ServerFinding, "check"> {
  const version = textIn(message, "version");
  if (idIn(message, "leader") === "0") {
    return { verdict: "problem", text: `etcd ${version}, and it has no leader.` };
  }
  const { errors } = message;
  if (Array.isArray(errors) && errors.length > 0) {
    return {
      verdict: "problem",
      text: `etcd ${version} has raised an alarm: ${shownText(errors.join(", "))}. Without space no lock can be taken.`,
      advice: "See etcdctl alarm list, etcdctl compact and etcdctl defrag.",
    };
  }
  if (hasSoundLeases(version)) return { verdict: "ok", text: `etcd ${version}.` };
  return {
    verdict: "warning",
    text: `etcd ${version} can renew a lease after its end, or end a renewed lease, when its leader changes.`,
    advice: "Use 3.4.31, 3.5.13 or later.",
  };
}

/** The least that a server's clock, which is told in whole seconds, is ahead (or, below 0, behind). */
export function skewSeconds(date: string | null, askedAt: number, answeredAt: number): number {
  const shown = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(shown)) return 0;
  if (shown > answeredAt) return (shown - answeredAt) / 1000;
  // The second that was shown may have been about to end.
  return Math.min(0, (shown + 1000 - askedAt) / 1000);
}

function aboutClock(endpoint: string, skew: number): ServerFinding[] {
  const seconds = Math.round(Math.abs(skew));
  if (seconds < minSkewSeconds) return [];
  return [
    {
      check: `clock of ${endpoint}`,
      verdict: "note",
      text: `It is ${seconds} s ${skew > 0 ? "ahead of" : "behind"} this host's. No lock depends on it, but times that other hosts tell may be as wrong.`,
      advice: "Have both clocks set by NTP.",
    },
  ];
}

function hasSoundLeases(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  const sound = soundPatches[`${major}.${minor}`];
  if (sound !== undefined) return patch >= sound;
  return major > 3 || (major === 3 && minor > 5);
}

async function checkRights(gateway: Gateway): Promise<ServerFinding> {
  const check = "server rights";
  const limits = { seconds: checkSeconds };
  try {
    for (const prefix of [historyKeys.prefix, infoKeys.prefix]) {
      const { message } = await gateway.call(
        "kv/range",
        { ...range({ prefix }), count_only: true },
        limits,
      );
      numberIn(message, "count");
    }
    const { length } = await lockNames(gateway);
    return { check, verdict: "ok", text: `This user may list the locks: ${length} now.` };
  } catch (error) {
    if (!isDenied(error)) return problem(check, error);
    return {
      check,
      verdict: "note",
      text: "This user may not list the locks; locks that the user's role names can be used.",
    };
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof LockServerError && error.fault === "denied";
}

function problem(check: string, error: unknown): ServerFinding {
  if (!(error instanceof LockServerError)) throw error;
  // The check has its URL already.
  const message = error.message.replace(` lock ${check}:`, " it:");
  return { check, verdict: "problem", text: /[.?!]$/.test(message) ? message : `${message}.` };
}
