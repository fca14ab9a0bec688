/**
 * Starting a command so that it does not notice who started it: what Bun changed in this process is put
 * back in the command (what that is was measured: see the comments), and Bun.spawn is not used, as it
 * closes descriptors from 3 on and resets ignored signals.
 */
import { ptr } from "bun:ffi";
import { keepOnExec } from "./file.ts";
import { check, checkReturned, cString, isPosixError, openLibc } from "./libc.ts";
import { openDescriptors } from "./open-descriptors.ts";
import { parentId, readProcFile, resetSignal, signalNumbers } from "./process.ts";

const libc = openLibc({
  posix_spawnp: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_setflags: { args: ["ptr", "i32"], returns: "i32" },
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
});

const RLIMIT_NOFILE = 7;
const WNOHANG = 1;
/** For waitpid: whichever has ended. */
const anyChild = -1;
const POSIX_SPAWN_SETSIGDEF = 4;
/** A program that Bun runs ignores these from its start. */
const ignoredByBun = ["SIGPIPE", "SIGXFSZ"] as const;

/**
 * The descriptors from 3 on that this process was started with. Bun marks them close-on-exec at start;
 * its own are an epoll instance and an eventfd that this watches. To be called before anything else is
 * opened.
 */
export function inheritedDescriptors(): number[] {
  const open = openDescriptors();
  const owned = ownedByBun(open);
  return [...open.keys()].filter((descriptor) => !owned.has(descriptor));
}

function ownedByBun(open: ReadonlyMap<number, string>): Set<number> {
  const anonymous = [...open].filter(([, target]) => target.startsWith("anon_inode:"));
  // Two are Bun's alone; only with more of them does it take a closer look to tell whose they are.
  if (anonymous.length === 2) return new Set(anonymous.map(([descriptor]) => descriptor));
  const owned = new Set<number>();
  for (const [descriptor, target] of anonymous) {
    if (target !== "anon_inode:[eventpoll]") continue;
    owned.add(descriptor);
    for (const watched of watchedBy(descriptor)) owned.add(watched);
  }
  return owned;
}

/** proc_pid_fdinfo(5): a line `tfd: 4 events: ...` for each descriptor that an epoll instance watches. */
function watchedBy(epoll: number): number[] {
  const text = new TextDecoder().decode(readProcFile(`/proc/self/fdinfo/${epoll}`));
  return [...text.matchAll(/^tfd:\s*(\d+)/gm)].map((match) => Number(match[1]));
}

/** This process's arguments as the bytes they are; process.argv has U+FFFD where they are not UTF-8. */
export function rawArguments(): Uint8Array[] {
  return stringsOf(readProcFile("/proc/self/cmdline") ?? new Uint8Array());
}

/** The environment that this process was started with, byte by byte, with some variables set anew or, for undefined, left out. */
export function environmentWith(
  variables: Readonly<Record<string, string | undefined>>,
): Uint8Array[] {
  const inherited = readProcFile("/proc/self/environ") ?? environmentOfBun();
  const names = Object.keys(variables);
  // Mostly none of them is there yet, and then all the others need not be told apart.
  const isThere = names.some((name) => process.env[name] !== undefined);
  const environment = isThere ? without(stringsOf(inherited), names) : [inherited];
  for (const name of names) {
    const value = variables[name];
    if (value !== undefined) environment.push(cString(`${name}=${value}`));
  }
  return environment;
}

/** The environment where /proc/self/environ cannot be read, as in a program with the set-group-ID bit. */
function environmentOfBun(): Uint8Array {
  const variables = Object.entries(process.env).map(([name, value]) => `${name}=${value}\0`);
  return new TextEncoder().encode(variables.join(""));
}

function without(strings: readonly Uint8Array[], names: readonly string[]): Uint8Array[] {
  const encoder = new TextEncoder();
  const prefixes = names.map((name) => encoder.encode(`${name}=`));
  return strings.filter(
    (variable) => !prefixes.some((prefix) => prefix.every((byte, at) => byte === variable[at])),
  );
}

/** The strings that stand one behind the other, each with its NUL. */
function stringsOf(bytes: Uint8Array): Uint8Array[] {
  const words: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start) + 1 || bytes.length;
    words.push(bytes.subarray(start, end));
    start = end;
  }
  return words;
}

/** A line of proc_pid_limits(5); the soft limit follows. */
const openFilesLabel = "Max open files";

/**
 * Bun raises the soft limit of open files to the hard limit. What it was cannot be asked any more; it is
 * nearly always what the parent has.
 */
function restoreFileLimit(): void {
  // struct rlimit: the soft and the hard limit, 64 bits each.
  const limit = new Uint32Array(4);
  check("getrlimit", libc.getrlimit(RLIMIT_NOFILE, limit));
  const [soft = 0, softHigh = 0, hard = 0, hardHigh = 0] = limit;
  if (soft !== hard || softHigh !== hardHigh) return;
  const limits = new TextDecoder().decode(readProcFile(`/proc/${parentId()}/limits`));
  const at = limits.indexOf(openFilesLabel);
  // Not a number where there is no such line, or where it is unlimited.
  const ofParent =
    at === -1 ? Number.NaN : Number.parseInt(limits.slice(at + openFilesLabel.length));
  if (!(ofParent < hard + hardHigh * 2 ** 32)) return;
  limit[0] = ofParent % 2 ** 32;
  limit[1] = Math.floor(ofParent / 2 ** 32);
  check("setrlimit", libc.setrlimit(RLIMIT_NOFILE, limit));
}

/**
 * Starts a command, found along PATH as execvp does, a script without `#!` included.
 *
 * @param words the command and its arguments, each ended by NUL
 * @param environment its variables, `NAME=value`, each ended by NUL
 * @param inherited the result of {@link inheritedDescriptors}
 * @returns its process id
 * @throws {PosixError} ENOENT, EACCES, E2BIG ...
 */
export function spawnCommand(
  words: readonly Uint8Array[],
  environment: readonly Uint8Array[],
  inherited: readonly number[],
): number {
  for (const descriptor of inherited) keepOnExec(descriptor);
  restoreFileLimit();
  try {
    return spawn(words, environment);
  } catch (error) {
    if (!isPosixError(error, "ENOEXEC")) throw error;
    const [command = new Uint8Array(), ...rest] = words;
    const name = new TextDecoder().decode(command.subarray(0, -1));
    const path = name.includes("/") ? command : pathOf(name);
    if (path === undefined) throw error;
    return spawn([cString("/bin/sh"), path, ...rest], environment);
  }
}

/** confstr(_CS_PATH) of glibc: where execvp looks without a PATH. */
const defaultPath = "/bin:/usr/bin";

/** The file that execvp has found. Never one of the working directory, unless PATH says so. */
function pathOf(name: string): Uint8Array | undefined {
  const path = Bun.which(name, { PATH: process.env["PATH"] ?? defaultPath });
  return path === null ? undefined : cString(path);
}

/**
 * Lets a command take the place of this process, as execvpe(3) does, a script without `#!` included. It starts as one
 * that {@link spawnCommand} starts. A signal that has a handler here has none there, and the threads of Bun end.
 *
 * @throws {PosixError} ENOENT, EACCES, E2BIG ...; where it does not throw, it does not return
 */
export function execCommand(
  words: readonly Uint8Array[],
  environment: readonly Uint8Array[],
  inherited: readonly number[],
): void {
  const { execvpe } = openLibc({ execvpe: { args: ["ptr", "ptr", "ptr"], returns: "i32" } });
  for (const descriptor of inherited) keepOnExec(descriptor);
  restoreFileLimit();
  for (const name of ignoredByBun) resetSignal(name);
  const [command = new Uint8Array(1)] = words;
  check("execvpe", execvpe(command, pointerArray(words), pointerArray(environment)));
}

function spawn(words: readonly Uint8Array[], environment: readonly Uint8Array[]): number {
  const [command = new Uint8Array(1)] = words;
  const processId = new Int32Array(1);
  const attributes = new Uint8Array(512);
  checkReturned("posix_spawnattr_init", libc.posix_spawnattr_init(attributes));
  // What is ignored stays so in the command. glibc's posix_spawn leaves 32 and 33, which are its own, ignored.
  const defaults = signalSet(...ignoredByBun.map((name) => signalNumbers[name]), 32, 33);
  checkReturned(
    "posix_spawnattr_setsigdefault",
    libc.posix_spawnattr_setsigdefault(attributes, defaults),
  );
  checkReturned(
    "posix_spawnattr_setflags",
    libc.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF),
  );
  checkReturned(
    "posix_spawnp",
    libc.posix_spawnp(
      processId,
      command,
      null,
      attributes,
      pointerArray(words),
      pointerArray(environment),
    ),
  );
  return processId[0] ?? 0;
}

/** `char *[]`, with NULL at its end, of NUL-ended strings; one of these may be several, one behind the other. */
function pointerArray(strings: readonly Uint8Array[]): Uint32Array {
  const words: number[] = [];
  for (const bytes of strings) {
    if (bytes.length === 0) continue;
    const address = ptr(bytes);
    for (let start = 0; start < bytes.length; start = bytes.indexOf(0, start) + 1 || bytes.length) {
      words.push((address + start) % 2 ** 32, Math.floor((address + start) / 2 ** 32));
    }
  }
  words.push(0, 0);
  return new Uint32Array(words);
}

/** sigset_t of glibc: a bit a signal, 1024 of them. */
function signalSet(...numbers: number[]): Uint32Array {
  const set = new Uint32Array(32);
  for (const number of numbers) {
    const word = (number - 1) >> 5;
    set[word] = (set[word] ?? 0) | (1 << ((number - 1) & 31));
  }
  return set;
}

/** How a command ended. */
export type ChildStatus = { exitCode: number } | { signal: number };

/**
 * Collects a command that has ended; undefined while it has not. As the first process of a container it also collects what
 * was orphaned to it.
 *
 * @throws {PosixError} ECHILD when the command is no child of this process
 */
export function reap(commandId: number): ChildStatus | undefined {
  const wanted = process.pid === 1 ? anyChild : commandId;
  const status = new Int32Array(1);
  for (;;) {
    const processId = check("waitpid", libc.waitpid(wanted, status, WNOHANG));
    if (processId === 0) return undefined;
    if (processId !== commandId) continue;
    // <bits/waitstatus.h>
    const [bits = 0] = status;
    const signal = bits & 0x7f;
    return signal === 0 ? { exitCode: (bits >> 8) & 0xff } : { signal };
  }
}
