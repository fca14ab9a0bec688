/** What `doctor` finds about the host, apart from the locks on it. */
import { isSemaphore, semaphoresOnHost } from "../../host/objects/files.ts";
import { sharedMemoryDirectory } from "../../lock/name.ts";
import { namesInDirectory } from "../../posix/directory.ts";
import { allocateFile, closeFile, createUnnamedFile, fileStatus } from "../../posix/file.ts";
import { type FileSystem, fileSystemAt } from "../../posix/file-system.ts";
import { glibcVersion } from "../../posix/glibc.ts";
import { errorText, PosixError } from "../../posix/libc.ts";
import { processStart } from "../../posix/process-start.ts";
import { readProcFile } from "../../posix/process.ts";
import { effectiveUserId, userName } from "../../posix/user.ts";
import { cLibrary } from "./c-library.ts";
import type { Finding } from "./finding.ts";
import { type Files, removeIpc } from "./logind.ts";

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
      text: `${sharedMemoryDirectory} is not a tmpfs: a lock that is held detached stays locked over a restart.`,
      advice: `Mount one: mount -t tmpfs -o mode=1777 tmpfs ${sharedMemoryDirectory}`,
    };
  }
  const { mode } = fileStatus(sharedMemoryDirectory);
  if ((mode & 0o1002) === 0o002) {
    return {
      check,
      verdict: "warning",
      text: `${sharedMemoryDirectory} has mode ${mode.toString(8)}: everybody can delete everybody's locks.`,
      advice: `chmod 1777 ${sharedMemoryDirectory}`,
    };
  }
  const size = fileSystem.bytes === 0 ? "" : ` of ${sizeText(fileSystem.bytes)}`;
  const free = fileSystem.bytes === 0 ? "" : `, ${sizeText(fileSystem.freeBytes)} of it free`;
  const noexec = fileSystem.isNoexec
    ? " That it is mounted noexec does not matter: nothing in it is executed."
    : "";
  const text = `${sharedMemoryDirectory} is a tmpfs${size}${free}.`;
  if (room < fewLocks) {
    return {
      check,
      verdict: "warning",
      text: `${text} That is room for ${room} new locks.`,
      advice: `Delete what nobody uses, or make it larger: mount -o remount,size=64m ${sharedMemoryDirectory}`,
    };
  }
  return { check, verdict: "ok", text: text + noexec };
}

function sharedMemoryProblem(error: PosixError): Pick<Finding, "text" | "advice"> {
  const nothing = "No lock can be made.";
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return {
        text: `This host has no ${sharedMemoryDirectory}. ${nothing}`,
        advice: `Mount a tmpfs there: mount -t tmpfs -o mode=1777 tmpfs ${sharedMemoryDirectory}`,
      };
    case "EROFS":
      return {
        text: `${sharedMemoryDirectory} is read-only. ${nothing} One that is there cannot be used.`,
        advice: `mount -o remount,rw ${sharedMemoryDirectory}`,
      };
    case "ENOSPC":
      return {
        text: `${sharedMemoryDirectory} is full. ${nothing} Those that are there work.`,
        advice: `Delete what nobody uses, or make it larger: mount -o remount,size=64m ${sharedMemoryDirectory}`,
      };
    case "EACCES":
    case "EPERM":
      return {
        text: `${sharedMemoryDirectory} does not let this user make files. ${nothing}`,
        advice: `chmod 1777 ${sharedMemoryDirectory}`,
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

/** Processes are told apart by what /proc tells of them. Without a /proc this program does not even start. */
function processes(): Finding {
  const check = "processes";
  // There always is a first one.
  if (processStart(1) === undefined) {
    return {
      check,
      verdict: "note",
      text: "/proc hides the processes of other users from this one (hidepid). A lock that is bound to one of those (--owner-pid) counts as held for as long as any process has that number.",
      advice:
        "Where that is too long, mount /proc without hidepid; or take locks that users share with run.",
    };
  }
  return { check, verdict: "ok", text: "/proc shows them, which --owner-pid needs." };
}

/** Below these are system users: root, and those that services run as. */
const firstOrdinaryUser = 1000;

const realFiles: Files = {
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
  if (!isThere("/run/systemd/system")) return ok("No systemd here that would delete locks.");
  if (id < firstOrdinaryUser) {
    return ok(`systemd-logind spares the locks of system users, as ${name} is.`);
  }
  const { value, path } = removeIpc(realFiles);
  const source = path === undefined ? "the default" : `in ${path}`;
  if (!value) return ok(`systemd-logind does not delete locks: RemoveIPC=no ${source}.`);
  if (isThere(`/var/lib/systemd/linger/${name}`)) {
    return ok(`systemd-logind does not delete the locks of ${name}, who lingers.`);
  }
  return {
    check,
    verdict: "warning",
    text: `systemd-logind deletes the locks of ${name} when the last session ends: RemoveIPC=yes, ${source}. A holder that is still there goes on without its lock.`,
    advice: `Write RemoveIPC=no under [Login] into /etc/systemd/logind.conf.d/locks.conf, and restart systemd-logind; or: loginctl enable-linger ${name}`,
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
    .map(({ lockName }) => `<${lockName}>`)
    .toSorted();
  const on = `fs.protected_regular is ${setting}.`;
  if (names.length === 0) {
    return {
      check,
      verdict: "ok",
      text: `${on} That does not affect this program, and no lock of others is shared here.`,
    };
  }
  const shown = names.slice(0, shownNames).join(", ");
  const more = names.length > shownNames ? ` and ${names.length - shownNames} more` : "";
  return {
    check,
    verdict: "warning",
    text: `${on} Python peers of this user, root too, are refused on locks that others made and share: ${shown}${more}. This program is not affected.`,
    advice: "Let root make such a lock, with --mode and --group; or: sysctl fs.protected_regular=0",
  };
}

function ownerOfSharedMemory(): number | undefined {
  try {
    return fileStatus(sharedMemoryDirectory).userId;
  } catch {
    return undefined;
  }
}
