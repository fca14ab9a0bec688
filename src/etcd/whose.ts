/**
 * Whose a place is. Process numbers mean something on one host, in one PID namespace, until they are used again: hosts
 * of containers and of CI runners often have the same name, and there the same numbers.
 */
import { ownPidNamespace } from "../posix/proc.ts";
import { processAndAncestors, processStart } from "../posix/process-start.ts";
import { type Entry, type EntryValue, tokenOf } from "./entry.ts";
import { bootId } from "./this-process.ts";

let ownSpace: string | undefined;

/** Where the numbers of processes that this one sees mean something: until the host's next start. */
export function processSpace(): string {
  return (ownSpace ??= `${bootId()}:${ownPidNamespace()}`);
}

/** A text that no two processes have in common; that of one that has ended begins like that of one with its number. */
export function processIdentity(processId: number): string {
  return `${processSpace()}:${processId}:${processStart(processId) ?? 0}`;
}

/** What a run tells the runs inside it of a hold: its token, and the cluster that gave it. */
export function claimOf(token: number, clusterId: string): string {
  return `${token}@${clusterId}`;
}

/** Whether this process runs under a hold: claims it, or comes from the process that it is bound to or that took it. */
export function isAround(entry: Entry, claims: readonly string[], clusterId: string): boolean {
  const { value } = entry;
  if (value === undefined) return false;
  const isClaimed =
    value.attachment === undefined && claims.includes(claimOf(tokenOf(entry), clusterId));
  const holder = holdingProcess(value);
  return isClaimed || (holder !== undefined && ancestors().has(holder));
}

/** Whether a hold is of a process of this host, by its number. */
export function isOfProcess({ value }: Entry, processId: number): boolean {
  const holder = value && holdingProcess(value);
  return holder?.startsWith(`${processSpace()}:${processId}:`) ?? false;
}

/** The identity of the process with which a hold ends; undefined where there is none. */
function holdingProcess({ attachment, process: taker, ownerProcess }: EntryValue) {
  if (attachment === "detached") return undefined;
  return attachment === "bound" ? ownerProcess : taker;
}

function ancestors(): Set<string> {
  return new Set([...processAndAncestors()].map(processIdentity));
}
