/** Terminals: ioctl_tty(2), tcgetpgrp(3). */
import { isTerminal } from "./file.ts";
import { openLibc, size } from "./libc.ts";

const TIOCGWINSZ = 0x5413;

/** struct termios of glibc, the same on x86-64 and arm64: four flags of 4 bytes, c_line, c_cc[32], two speeds. */
const termiosBytes = 60;
const localFlags = 12;
const controlCharacters = 17;
const VTIME = 5;
const VMIN = 6;
const ICANON = 2;
const ECHO = 8;
const TCSADRAIN = 1;

/** Not at start-up: few commands ask. */
const open = () =>
  openLibc({
    ioctl: { args: ["i32", size, "ptr"], returns: "i32" },
    tcgetpgrp: { args: ["i32"], returns: "i32" },
    getpgrp: { args: [], returns: "i32" },
    tcgetattr: { args: ["i32", "ptr"], returns: "i32" },
    tcsetattr: { args: ["i32", "i32", "ptr"], returns: "i32" },
  });
let opened: ReturnType<typeof open> | undefined;

/** How wide and how high a terminal is. */
export interface TerminalSize {
  columns: number;
  lines: number;
}

/** The size of a terminal; 80 by 24 where it does not say. */
export function terminalSize(descriptor: number): TerminalSize {
  const libc = (opened ??= open());
  const window = new Uint16Array(4);
  libc.ioctl(descriptor, TIOCGWINSZ, window);
  return { columns: window[1] || 80, lines: window[0] || 24 };
}

/** Whether a descriptor is a terminal that does what control sequences say. */
export function obeysControls(descriptor: number): boolean {
  return isTerminal(descriptor) && process.env["TERM"] !== "dumb";
}

/** How wide what a descriptor writes to is: Infinity for what is no terminal. */
export function columnsOf(descriptor: number): number {
  return isTerminal(descriptor) ? terminalSize(descriptor).columns : Infinity;
}

/** Whether this process is of the job that the terminal belongs to; true for one that it does not belong to. */
export function isInForeground(descriptor: number): boolean {
  const libc = (opened ??= open());
  const foreground = libc.tcgetpgrp(descriptor);
  return foreground === -1 || foreground === libc.getpgrp();
}

/**
 * Makes a terminal give its keys one by one, without an echo; a read gives what is there and does not wait. ^C and
 * ^Z go on being signals.
 *
 * @returns what puts the terminal back as it was; undefined for what is no terminal
 */
export function giveSingleKeys(descriptor: number): (() => void) | undefined {
  const libc = (opened ??= open());
  const before = new Uint8Array(termiosBytes);
  if (libc.tcgetattr(descriptor, before) !== 0) return undefined;
  const changed = before.slice();
  const view = new DataView(changed.buffer);
  view.setUint32(localFlags, view.getUint32(localFlags, true) & ~(ICANON | ECHO), true);
  changed[controlCharacters + VMIN] = 0;
  changed[controlCharacters + VTIME] = 0;
  if (libc.tcsetattr(descriptor, TCSADRAIN, changed) !== 0) return undefined;
  return () => {
    libc.tcsetattr(descriptor, TCSADRAIN, before);
  };
}
