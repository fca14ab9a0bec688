/**
 * Names of keys. Everything under `NAME/` is a place in the queue of lock NAME, for `etcdctl lock` too: nothing else
 * may be kept there.
 */
import { LockNameError } from "../lock/errors.ts";
import { parseLockName } from "../lock/name.ts";

/** Prefixes of keys that are not places in a queue. A name of a lock has no slash in it, so they are apart. */
const historyPrefix = "resourcelock.history/";
const infoPrefix = "resourcelock.info/";
const reserved: ReadonlySet<string> = new Set(["resourcelock.history", "resourcelock.info"]);

/** The name of a lock on a server. @throws {LockNameError} */
export function parseServerLockName(text: string): string {
  const name = parseLockName(text);
  if (!reserved.has(name)) return name;
  throw new LockNameError(
    `Cannot use "${name}" as a lock name: the server's history is kept there`,
  );
}

/** What all places in a lock's queue begin with. */
export function queuePrefix(name: string): string {
  return `${name}/`;
}

/** A place in a lock's queue, as `etcdctl lock` names it: by the hexadecimal ID of its lease. */
export function placeKey(name: string, leaseId: string): string {
  return `${name}/${BigInt.asUintN(64, BigInt(leaseId)).toString(16)}`;
}

/** The lock in whose queue a key may be; undefined for a key that is named otherwise. */
export function lockNameOf(key: string): string | undefined {
  const [, name] = /^([^/]+)\/[0-9a-f]{1,16}$/.exec(key) ?? [];
  return name === undefined || reserved.has(name) ? undefined : name;
}

export const historyKeys = {
  prefix: historyPrefix,
  of: (name: string) => historyPrefix + name,
  nameOf: (key: string) => key.slice(historyPrefix.length),
};

export const infoKeys = {
  prefix: infoPrefix,
  of: (name: string) => infoPrefix + name,
  nameOf: (key: string) => key.slice(infoPrefix.length),
};
