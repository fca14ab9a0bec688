/** Files of /proc, and whose numbers it shows: proc(5), namespaces(7). A process number is looked up here alone. */
import { closeFile, openToRead, readFile } from "./file.ts";
import { isPosixError } from "./libc.ts";
import { linkTarget } from "./open-descriptors.ts";

/** Most files of /proc are shorter. */
const usualProcBytes = 4096;

/** A file of /proc, whole, or undefined where it cannot be read. */
export function readProcFile(path: string): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openToRead(path);
  } catch {
    return undefined;
  }
  try {
    let bytes = new Uint8Array(usualProcBytes);
    let length = 0;
    for (;;) {
      const count = readFile(descriptor, bytes.subarray(length));
      if (count === 0) return bytes.subarray(0, length);
      length += count;
      if (length < bytes.length) continue;
      const longer = new Uint8Array(2 * length);
      longer.set(bytes);
      bytes = longer;
    }
  } catch (error) {
    // The process has ended since the file was opened.
    if (isPosixError(error, "ESRCH")) return undefined;
    throw error;
  } finally {
    closeFile(descriptor);
  }
}

/**
 * The directory of a process in /proc, whether there is one or not. Undefined where /proc shows another PID namespace:
 * there the number is another process's. This process is found in any.
 */
export function processDirectory(processId: number): string | undefined {
  if (processId === process.pid) return "/proc/self";
  return showsOwnNumbers() ? `/proc/${processId}` : undefined;
}

/** A file of a process, as in `stat`; undefined where it cannot be read, or {@link processDirectory} is not known. */
export function readProcessFile(processId: number, file: string): Uint8Array | undefined {
  const directory = processDirectory(processId);
  return directory === undefined ? undefined : readProcFile(`${directory}/${file}`);
}

let areOwn: boolean | undefined;

/**
 * Whether the numbers of /proc are those of this process's PID namespace. They are those of one above it in a sandbox
 * that has not mounted a /proc of its own, as with `unshare --pid`. Above the host's first one there is none.
 */
export function showsOwnNumbers(): boolean {
  return (areOwn ??= ownPidNamespace() === 0 || hasOneNumber());
}

/** `NSpid:` has a number for each namespace, from that of /proc down to that of the process; before Linux 4.1 it is not there. */
function hasOneNumber(): boolean {
  const status = new TextDecoder().decode(readProcFile("/proc/self/status"));
  const numbers = /^NSpid:\s*(.+)$/m.exec(status) ?? /^Pid:\s*(.+)$/m.exec(status);
  return numbers?.[1] === String(process.pid);
}

/** The inode numbers of the first namespaces of a host: PROC_PID_INIT_INO and PROC_TIME_INIT_INO of linux/proc_ns.h. */
const firstPidNamespace = 0xeffffffc;
const firstTimeNamespace = 0xeffffffa;
/** So that the distances of two namespaces do not cancel out: the kernel numbers them in a row. */
const timeFactor = 7919;
let pidNamespace: number | undefined;
let timeNamespace: number | undefined;

/**
 * The PID namespace of this process, in which its process numbers mean something. 16 bits that tell it from others; 0
 * for the host's first one, and where the kernel does not tell.
 */
export function ownPidNamespace(): number {
  return namespaceId(pidDistance());
}

/** The same for the time namespace, on whose clocks monotonic times are counted: time_namespaces(7). */
export function ownTimeNamespace(): number {
  return namespaceId(timeDistance());
}

/** The same for both together, as start times of processes are counted on the clock of a time namespace. */
export function ownStartNamespace(): number {
  return namespaceId(pidDistance() + timeDistance() * timeFactor);
}

function pidDistance(): number {
  return (pidNamespace ??= distanceOf("pid", firstPidNamespace));
}

function timeDistance(): number {
  return (timeNamespace ??= distanceOf("time", firstTimeNamespace));
}

/** @param distance from the first one */
function namespaceId(distance: number): number {
  return distance === 0 ? 0 : (Math.abs(distance) % (2 ** 16 - 1)) + 1;
}

/** How far the inode number of a namespace of this process is from that of the first one; the link reads as in `pid:[4026531836]`. */
function distanceOf(kind: "pid" | "time", first: number): number {
  const inode = /\[(\d+)\]$/.exec(linkTarget(`/proc/self/ns/${kind}`) ?? "")?.[1];
  return inode === undefined ? 0 : Number(inode) - first;
}
