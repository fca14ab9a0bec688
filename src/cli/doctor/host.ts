/** What `doctor` finds about the host, apart from the locks on it. A test puts its pure parts on other hosts. */
import { isSemaphore, semaphoresOnHost } from "../../host/objects/files.ts";
import { sharedMemoryDirectory } from "../../lock/name.ts";
import { namesInDirectory } from "../../posix/directory.ts";
import { allocateFile, closeFile, createUnnamedFile, fileStatus } from "../../posix/file.ts";
import { type FileSystem, fileSystemAt } from "../../posix/file-system.ts";
import { glibcVersion } from "../../posix/glibc.ts";
import { errorText, PosixError } from "../../posix/libc.ts";
import { readProcFile, showsOwnNumbers } from "../../posix/proc.ts";
import { processStart } from "../../posix/process-start.ts";
import { effectiveUserId, userName } from "../../posix/user.ts";
import type { Finding } from "./finding.ts";

/** What a lock at rest takes: a page for each object. */
const lockBytes = 3 * 4096;
const lockFiles = 3;
/** Room for fewer new locks than this is little. */
const fewLocks = 10;

/** All of them, in the order in which they matter. */
export function hostFindings(): Finding[] {
  return [sharedMemory(), processes(), cLibrary(glibcVersion()), logout(), protectedFiles()];
}

function sharedMemory(): Finding {
  const check = "shared memory";
  let fileSystem: FileSystem;
  try {
    fileSystem = fileSystemAt(sharedMemoryDirectory);
    // As a lock is made: first without a name.
    const probe = createUnnamedFile(sharedMemoryDirectory, 0o600);
    try {
      allocateFile(probe, lockBytes);
    } finally {
      closeFile(probe);
    }
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    return { check, verdict: "problem", ...sharedMemoryProblem(error) };
  }
  const room = roomIn(fileSystem);
  if (!fileSystem.isTmpfs) {
    return {
      check,
      verdict: "warning",
      text: `${sharedMemoryDirectory} is not a tmpfs: held locks stay held across a reboot.`,
      advice: `Mount one: ${mountCommand}`,
    };
  }
  const { mode } = fileStatus(sharedMemoryDirectory);
  if ((mode & 0o1002) === 0o002) {
    return {
      check,
      verdict: "warning",
      text: `${sharedMemoryDirectory} has mode ${mode.toString(8)}: everybody can delete all locks.`,
      advice: `Run: chmod 1777 ${sharedMemoryDirectory}`,
    };
  }
  const size = fileSystem.bytes === 0 ? "" : ` of ${sizeText(fileSystem.bytes)}`;
  const free = fileSystem.bytes === 0 ? "" : `, ${sizeText(fileSystem.freeBytes)} free`;
  const text = `${sharedMemoryDirectory} is a tmpfs${size}${free}.`;
  if (room < fewLocks) {
    return {
      check,
      verdict: "warning",
      text: `${text} There is room for ${room} new locks.`,
      advice: makeRoom,
    };
  }
  return { check, verdict: "ok", text };
}

const mountCommand = `mount -t tmpfs -o mode=1777 tmpfs ${sharedMemoryDirectory}`;
const makeRoom = `Delete unused files there, or run: mount -o remount,size=64m ${sharedMemoryDirectory}`;

function sharedMemoryProblem(error: PosixError): Pick<Finding, "text" | "advice"> {
  const nothing = "No lock can be created.";
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return {
        text: `There is no ${sharedMemoryDirectory}. ${nothing}`,
        advice: `Run: ${mountCommand}`,
      };
    case "EROFS":
      return {
        text: `${sharedMemoryDirectory} is read-only. ${nothing}`,
        advice: `Run: mount -o remount,rw ${sharedMemoryDirectory}`,
      };
    case "ENOSPC":
      return { text: `${sharedMemoryDirectory} is full. ${nothing}`, advice: makeRoom };
    case "EACCES":
    case "EPERM":
      return {
        text: `You may not create files in ${sharedMemoryDirectory}. ${nothing}`,
        advice: `Run: chmod 1777 ${sharedMemoryDirectory}`,
      };
    default:
      return { text: `${sharedMemoryDirectory} cannot hold locks: ${errorText(error.errno)}.` };
  }
}

/** How many new locks there is room for. */
function roomIn({ bytes, freeBytes, files, freeFiles }: FileSystem): number {
  const byBytes = bytes === 0 ? Infinity : freeBytes / lockBytes;
  const byFiles = files === 0 ? Infinity : freeFiles / lockFiles;
  return Math.floor(Math.min(byBytes, byFiles));
}

/** As in `28 KiB`, `512 MiB`, `23 GiB`, rounded down. */
function sizeText(bytes: number): string {
  if (bytes >= 10 * 2 ** 30) return `${Math.floor(bytes / 2 ** 30)} GiB`;
  if (bytes >= 2 ** 20) return `${Math.floor(bytes / 2 ** 20)} MiB`;
  return `${Math.floor(bytes / 2 ** 10)} KiB`;
}

/** /proc tells processes apart. Without a /proc this program does not even start. */
function processes(): Finding {
  const check = "processes";
  if (!showsOwnNumbers()) {
    return {
      check,
      verdict: "warning",
      text: "/proc shows the processes of another PID namespace: --owner-pid is refused, and no run is found to be inside another one by its process.",
      advice: "Mount one of this namespace, as unshare --mount-proc and bwrap --proc /proc do.",
    };
  }
  // There always is a first one.
  if (processStart(1) === undefined) {
    return {
      check,
      verdict: "note",
      text: "/proc hides other users' processes (hidepid): a lock that another user bound by --owner-pid may stay held too long.",
      advice: "Use run for locks that users share.",
    };
  }
  return { check, verdict: "ok", text: "/proc shows them all." };
}

/** Below these are system users: root, and those that services run as. */
const firstOrdinaryUser = 1000;

const realFiles: ConfigurationFiles = {
  read(path) {
    const bytes = readProcFile(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  },
  list(directory) {
    try {
      return namesInDirectory(directory);
    } catch {
      return [];
    }
  },
};

/** systemd-logind deletes the objects of a user who has logged out. */
function logout(): Finding {
  const check = "logout";
  const id = effectiveUserId();
  const name = userName(id) ?? String(id);
  const ok = (text: string): Finding => ({ check, verdict: "ok", text });
  if (!isThere("/run/systemd/system")) return ok("No systemd here.");
  if (id < firstOrdinaryUser) {
    return ok(`systemd-logind keeps the locks of system users such as ${name}.`);
  }
  const { value, path } = removeIpc(realFiles);
  const source = path === undefined ? "the default" : `in ${path}`;
  if (!value) return ok(`systemd-logind keeps locks: RemoveIPC=no ${source}.`);
  if (isThere(`/var/lib/systemd/linger/${name}`)) {
    return ok(`systemd-logind keeps the locks of ${name}, who lingers.`);
  }
  return {
    check,
    verdict: "warning",
    text: `systemd-logind deletes the locks of ${name} at the last logout, even those in use: RemoveIPC=yes, ${source}.`,
    advice: `Run: loginctl enable-linger ${name}; or set RemoveIPC=no under [Login] in /etc/systemd/logind.conf.`,
  };
}

function isThere(path: string): boolean {
  try {
    fileStatus(path);
    return true;
  } catch {
    return false;
  }
}

/** Bits of a mode that let others than its user in. */
const sharingBits = 0o066;
const shownNames = 3;

/** fs.protected_regular refuses O_CREAT on the files of others in a directory such as /dev/shm. */
function protectedFiles(): Finding {
  const check = "protected files";
  const setting = realFiles.read("/proc/sys/fs/protected_regular")?.trim() ?? "0";
  if (setting === "0") {
    return { check, verdict: "ok", text: "fs.protected_regular is off." };
  }
  const [own, ofDirectory] = [effectiveUserId(), ownerOfSharedMemory()];
  const names = semaphoresOnHost()
    .filter(({ status }) => isSemaphore(status) && (status.mode & sharingBits) !== 0)
    .filter(({ status }) => status.userId !== own && status.userId !== ofDirectory)
    .map(({ lockName }) => `"${lockName}"`)
    .toSorted();
  const on = `fs.protected_regular is ${setting}.`;
  if (names.length === 0) {
    return {
      check,
      verdict: "ok",
      text: `${on} No lock is affected.`,
    };
  }
  const shown = names.slice(0, shownNames).join(", ");
  const more = names.length > shownNames ? ` and ${names.length - shownNames} more` : "";
  return {
    check,
    verdict: "warning",
    text: `${on} It keeps your Python (cjnfuncs) programs from locks that other users share: ${shown}${more}.`,
    advice: "Let root create these locks with --group, or run: sysctl fs.protected_regular=0",
  };
}

function ownerOfSharedMemory(): number | undefined {
  try {
    return fileStatus(sharedMemoryDirectory).userId;
  } catch {
    return undefined;
  }
}

/** @param version as in `2.36` */
export function cLibrary(version: string): Finding {
  return { check: "C library", verdict: "ok", text: `glibc ${version}.` };
}

/** The file system, as far as logind's configuration needs it. */
interface ConfigurationFiles {
  /** The text of a file; undefined when it cannot be read. */
  read(path: string): string | undefined;
  /** The names in a directory; none when it cannot be read. */
  list(directory: string): readonly string[];
}

/** The places of logind.conf(5), the one that wins first. */
const directories = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map((top) => `${top}/systemd`);

interface RemoveIpc {
  value: boolean;
  /** The file that says so; undefined when none does. */
  path: string | undefined;
}

/**
 * What is in force: of the main files and of drop-ins of one name, those in /etc hide the others; of what is left,
 * the main file comes first, then the drop-ins in the order of their names, and the last word counts.
 */
export function removeIpc(files: ConfigurationFiles): RemoveIpc {
  const main = directories
    .map((directory) => `${directory}/logind.conf`)
    .find((path) => files.read(path) !== undefined);
  const dropIns = new Map<string, string>();
  for (const directory of directories.map((one) => `${one}/logind.conf.d`)) {
    for (const name of files.list(directory)) {
      if (name.endsWith(".conf") && !dropIns.has(name)) dropIns.set(name, `${directory}/${name}`);
    }
  }
  const inOrder = [...dropIns].toSorted(([one], [other]) => (one < other ? -1 : 1));
  let result: RemoveIpc = { value: true, path: undefined };
  for (const path of [main, ...inOrder.map(([, dropIn]) => dropIn)]) {
    const value = path === undefined ? undefined : valueIn(files.read(path) ?? "");
    if (value !== undefined) result = { value, path };
  }
  return result;
}

/** The last value of RemoveIPC in a file; undefined when it has none that systemd would take. */
function valueIn(text: string): boolean | undefined {
  let section = "";
  let value: boolean | undefined;
  for (const line of text.split("\n").map((one) => one.trim())) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    const [, given] = /^RemoveIPC\s*=\s*(.*)$/.exec(line) ?? [];
    if (section !== "Login" || given === undefined) continue;
    if (/^(1|yes|y|true|t|on)$/i.test(given)) value = true;
    if (/^(0|no|n|false|f|off)$/i.test(given)) value = false;
  }
  return value;
}
