/** This process: how it ends, what it does with signals, what it can know of its parent. */
import { isTerminal } from "./file.ts";
import { check, ESRCH, lastErrno, long, openLibc } from "./libc.ts";
import { readProcessFile } from "./proc.ts";

const libc = openLibc({
  _exit: { args: ["i32"], returns: "void" },
  getpid: { args: [], returns: "i32" },
  getppid: { args: [], returns: "i32" },
  kill: { args: ["i32", "i32"], returns: "i32" },
  signal: { args: ["i32", long], returns: "ptr" },
  sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" },
});

/** The signals that this project deals with; their numbers are the same on x64 and arm64. */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGTSTP: 20,
  SIGXFSZ: 25,
  SIGWINCH: 28,
} as const;

export type SignalName = keyof typeof signalNumbers;

const SIG_DFL = 0;
const SIG_IGN = 1;

/**
 * Ends the process now. Bun's own way out sets the terminal back to what it was at the start, and so would
 * undo what a command like `stty` or `reset` did.
 */
export function exitProcess(status: number): never {
  libc._exit(status);
  throw new Error("unreachable");
}

/** Ends the process by a signal, so that who waits for it sees that; returns only if that is impossible. */
export function dieBySignal(name: SignalName): void {
  resetSignal(name);
  libc.kill(libc.getpid(), signalNumbers[name]);
}

/** Sends a signal. @throws {PosixError} ESRCH, EPERM */
export function sendSignal(processId: number, name: SignalName): void {
  check("kill", libc.kill(processId, signalNumbers[name]));
}

/** Whether there is a process of this number, or its zombie, this user's or another's. */
export function processExists(processId: number): boolean {
  return libc.kill(processId, 0) === 0 || lastErrno() !== ESRCH;
}

/** Whether this process ignores a signal, and so will the programs that it starts. */
export function isIgnored(name: SignalName): boolean {
  // struct sigaction starts with the handler, 64 bits of it, on both architectures.
  const action = new Uint32Array(40);
  check("sigaction", libc.sigaction(signalNumbers[name], null, action));
  return action[0] === SIG_IGN && action[1] === 0;
}

/**
 * On a terminal Bun puts handlers on INT and TERM, ignored or not. Whether they were ignored can still be
 * told in the two usual cases: a shell's `trap '' INT` shows in the parent, and a script's background
 * job has QUIT ignored together with INT, and /dev/null for its standard input. An interactive shell ignores TERM for itself alone, and then TSTP
 * too.
 */
export function restoreIgnoredSignals(): void {
  const status = new TextDecoder().decode(readProcessFile(parentId(), "status"));
  const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const parentIgnores = (name: SignalName) =>
    (mask & (1n << BigInt(signalNumbers[name] - 1))) !== 0n;
  if (parentIgnores("SIGTERM") && !parentIgnores("SIGTSTP")) {
    ignoreSignal("SIGTERM");
  }
  const isBackgroundJob = isIgnored("SIGQUIT") && !isTerminal(0);
  if (parentIgnores("SIGINT") || isBackgroundJob) ignoreSignal("SIGINT");
}

/** Lets a signal do what it does by default. */
export function resetSignal(name: SignalName): void {
  libc.signal(signalNumbers[name], SIG_DFL);
}

export function ignoreSignal(name: SignalName): void {
  libc.signal(signalNumbers[name], SIG_IGN);
}

/** The process that started this one, or has adopted it. */
export function parentId(): number {
  return libc.getppid();
}
