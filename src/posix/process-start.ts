/** Telling processes apart whose numbers are used again: proc_pid_stat(5). */
import { linkTarget } from "./open-descriptors.ts";
import { processExists, readProcFile } from "./process.ts";

/**
 * When a process was started, in clock ticks since the host's start; undefined where there is none, or only
 * its zombie.
 */
export function processStart(processId: number): number | undefined {
  const stat = readProcFile(`/proc/${processId}/stat`);
  return stat && startIn(stat);
}

function startIn(bytes: Uint8Array): number | undefined {
  const text = new TextDecoder().decode(bytes);
  // The name, in parentheses, may hold anything, parentheses too. State is field 3, start time field 22.
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : Number(fields[18]);
}

/**
 * Whether the process that was started at a time has ended. One that /proc does not show (hidepid) is taken to live
 * as long as there is one of that number.
 *
 * @param start as {@link processStart} gave it
 */
export function hasEnded(processId: number, start: number): boolean {
  const stat = readProcFile(`/proc/${processId}/stat`);
  return stat === undefined ? !processExists(processId) : startIn(stat) !== start;
}

/** The process that started another one, or has adopted it; undefined for one that cannot be seen. */
function parentOf(processId: number): number | undefined {
  const stat = readProcFile(`/proc/${processId}/stat`);
  if (stat === undefined) return undefined;
  const text = new TextDecoder().decode(stat);
  // State is field 3, the parent field 4.
  const [, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(parent);
}

/** A process, this one by default, and those that it comes from, as far as they can be seen. */
export function processAndAncestors(processId = process.pid): Set<number> {
  const found = new Set<number>();
  for (let pid = processId; pid > 0 && !found.has(pid); pid = parentOf(pid) ?? 0) found.add(pid);
  return found;
}

/** The inode numbers of the first namespaces of a host: PROC_PID_INIT_INO and PROC_TIME_INIT_INO of linux/proc_ns.h. */
const firstPidNamespace = 0xeffffffc;
const firstTimeNamespace = 0xeffffffa;
let pidNamespace: number | undefined;
let startNamespace: number | undefined;

/**
 * The PID namespace of this process, in which its process numbers mean something: namespaces(7). 16 bits that tell it
 * from others; 0 for the host's first one, and where the kernel does not tell.
 */
export function ownPidNamespace(): number {
  return (pidNamespace ??= namespaceId(namespaceAt("pid", firstPidNamespace)));
}

/** The same for start times, which are counted on the clock of a time namespace. */
export function ownStartNamespace(): number {
  return (startNamespace ??= namespaceId(
    namespaceAt("pid", firstPidNamespace) + namespaceAt("time", firstTimeNamespace),
  ));
}

/** @param distance from the first one */
function namespaceId(distance: number): number {
  return distance === 0 ? 0 : (Math.abs(distance) % (2 ** 16 - 1)) + 1;
}

/** How far the inode number of a namespace of this process is from that of the first one; the link reads as in `pid:[4026531836]`. */
function namespaceAt(kind: "pid" | "time", first: number): number {
  const inode = /\[(\d+)\]$/.exec(linkTarget(`/proc/self/ns/${kind}`) ?? "")?.[1];
  return inode === undefined ? 0 : Number(inode) - first;
}
