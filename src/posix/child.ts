/**
 * Starting a command so that it does not notice who started it: what Bun changed in this process is put
 * back in the command (what that is was measured: see the comments), and Bun.spawn is not used, as it
 * closes descriptors from 3 on and resets ignored signals.
 */
import { ptr } from "bun:ffi";
import { keepOnExec } from "./file.ts";
import { check, checkReturned, cString, isPosixError, openLibc } from "./libc.ts";
import { readProcessFile, readProcFile } from "./proc.ts";
import { parentId, resetSignal, signalNumbers } from "./process.ts";
import { signalSet } from "./signal-set.ts";

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
 * its own are an epoll instance and an eventfd that this watches.
 *
 * @param open what was open before this program opened anything else
 */
export function inheritedDescriptors(open: ReadonlyMap<number, string>): number[] {
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
 * The limit of open files that a command is to have; undefined where it has that already. Bun raises the soft limit to the
 * hard limit. What it was cannot be asked any more; it is nearly always what the parent has.
 */
function fileLimitOfCommand(): Uint32Array | undefined {
  // struct rlimit: the soft and the hard limit, 64 bits each.
  const limit = new Uint32Array(4);
  check("getrlimit", libc.getrlimit(RLIMIT_NOFILE, limit));
  const [soft = 0, softHigh = 0, hard = 0, hardHigh = 0] = limit;
  if (soft !== hard || softHigh !== hardHigh) return undefined;
  const limits = new TextDecoder().decode(readProcessFile(parentId(), "limits"));
  const at = limits.indexOf(openFilesLabel);
  // Not a number where there is no such line, or where it is unlimited.
  const ofParent =
    at === -1 ? Number.NaN : Number.parseInt(limits.slice(at + openFilesLabel.length));
  if (!(ofParent < hard + hardHigh * 2 ** 32)) return undefined;
  limit[0] = ofParent % 2 ** 32;
  limit[1] = Math.floor(ofParent / 2 ** 32);
  return limit;
}

/** What of a start is the same whatever is granted. */
interface Ready {
  readonly words: Pointers;
  /** The variables that this process was started with, byte by byte, one behind the other. */
  readonly environment: Uint8Array;
  readonly variables: Pointers;
  /** posix_spawnattr_t */
  readonly attributes: Uint8Array;
  readonly fileLimit: Uint32Array | undefined;
}

/** Variables of a command: set anew or, for undefined, left out. */
type Variables = Readonly<Record<string, string | undefined>>;

/** A command that is to be started, or to take the place of this process. */
export class PreparedCommand {
  readonly #words: readonly Uint8Array[];
  readonly #inherited: readonly number[];
  #ready: Ready | undefined;

  /**
   * @param words the command and its arguments, each ended by NUL
   * @param inherited the result of {@link inheritedDescriptors}
   */
  constructor(words: readonly Uint8Array[], inherited: readonly number[]) {
    this.#words = words;
    this.#inherited = inherited;
  }

  /**
   * Does before the start what can be done before: for one that waits, so that its command starts sooner once the lock is
   * granted. A prototype handed a lock on to the next of 8 commands in 0.7 of the time (x64, 2 cores, November 2026).
   */
  prepare(): void {
    this.#prepared();
  }

  #prepared(): Ready {
    if (this.#ready === undefined) {
      const environment = readProcFile("/proc/self/environ") ?? environmentOfBun();
      this.#ready = {
        words: pointersTo(this.#words),
        environment,
        variables: pointersTo([environment]),
        attributes: spawnAttributes(),
        fileLimit: fileLimitOfCommand(),
      };
    }
    return this.#ready;
  }

  /**
   * Starts it, found along PATH as execvp does, a script without `#!` included.
   *
   * @returns its process id
   * @throws {PosixError} ENOENT, EACCES, E2BIG ...
   */
  start(variables: Variables): number {
    const ready = this.#beforeExec();
    const environment = environmentOf(ready, variables);
    try {
      return spawn(this.#words, ready.words, environment.pointers, ready.attributes);
    } catch (error) {
      if (!isPosixError(error, "ENOEXEC")) throw error;
      const [command = new Uint8Array(), ...rest] = this.#words;
      const name = new TextDecoder().decode(command.subarray(0, -1));
      const path = name.includes("/") ? command : pathOf(name);
      if (path === undefined) throw error;
      const words = [cString("/bin/sh"), path, ...rest];
      return spawn(words, pointersTo(words), environment.pointers, ready.attributes);
    }
  }

  /**
   * Lets it take the place of this process, as execvpe(3) does, a script without `#!` included. It starts as by
   * {@link start}. A signal that has a handler here has none there, and the threads of Bun end.
   *
   * @throws {PosixError} ENOENT, EACCES, E2BIG ...; where it does not throw, it does not return
   */
  replaceProcess(variables: Variables): void {
    const { execvpe } = openLibc({ execvpe: { args: ["ptr", "ptr", "ptr"], returns: "i32" } });
    const ready = this.#beforeExec();
    const environment = environmentOf(ready, variables);
    for (const name of ignoredByBun) resetSignal(name);
    const [command = new Uint8Array(1)] = this.#words;
    check("execvpe", execvpe(command, arrayOf(ready.words), arrayOf(environment.pointers)));
  }

  #beforeExec(): Ready {
    const ready = this.#prepared();
    for (const descriptor of this.#inherited) keepOnExec(descriptor);
    const { fileLimit } = ready;
    if (fileLimit !== undefined) check("setrlimit", libc.setrlimit(RLIMIT_NOFILE, fileLimit));
    return ready;
  }
}

/** @returns the pointers, and what they point to beside `ready`, to be kept as long as they are used */
function environmentOf(
  { environment, variables: inherited }: Ready,
  variables: Variables,
): { pointers: Pointers; strings: readonly Uint8Array[] } {
  const names = Object.keys(variables);
  const strings: Uint8Array[] = [];
  for (const name of names) {
    const value = variables[name];
    if (value !== undefined) strings.push(cString(`${name}=${value}`));
  }
  // Mostly none of them is there yet, and then all the others need not be told apart.
  const isThere = names.some((name) => process.env[name] !== undefined);
  const kept = isThere ? pointersTo(without(stringsOf(environment), names)) : inherited;
  return { pointers: [...kept, ...pointersTo(strings)], strings };
}

/** confstr(_CS_PATH) of glibc: where execvp looks without a PATH. */
const defaultPath = "/bin:/usr/bin";

/** The file that execvp has found. Never one of the working directory, unless PATH says so. */
function pathOf(name: string): Uint8Array | undefined {
  const path = Bun.which(name, { PATH: process.env["PATH"] ?? defaultPath });
  return path === null ? undefined : cString(path);
}

function spawnAttributes(): Uint8Array {
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
  return attributes;
}

function spawn(
  [command = new Uint8Array(1)]: readonly Uint8Array[],
  words: Pointers,
  environment: Pointers,
  attributes: Uint8Array,
): number {
  const processId = new Int32Array(1);
  const [argv, envp] = [arrayOf(words), arrayOf(environment)];
  const errno = libc.posix_spawnp(processId, command, null, attributes, argv, envp);
  checkReturned("posix_spawnp", errno);
  return processId[0] ?? 0;
}

/** Addresses, each as its low and its high 32 bits. */
type Pointers = readonly number[];

/** The addresses of NUL-ended strings; one of these may be several, one behind the other. They must be kept meanwhile. */
function pointersTo(strings: readonly Uint8Array[]): Pointers {
  const words: number[] = [];
  for (const bytes of strings) {
    if (bytes.length === 0) continue;
    const address = ptr(bytes);
    for (let start = 0; start < bytes.length; start = bytes.indexOf(0, start) + 1 || bytes.length) {
      words.push((address + start) % 2 ** 32, Math.floor((address + start) / 2 ** 32));
    }
  }
  return words;
}

/** `char *[]`, with NULL at its end. */
function arrayOf(pointers: Pointers): Uint32Array {
  return new Uint32Array([...pointers, 0, 0]);
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
