/** Terminals: ioctl_tty(2), tcgetpgrp(3). */
import { isTerminal } from "./file.ts";
import { openLibc, size } from "./libc.ts";

const TIOCGWINSZ = 0x5413;

/** Not at start-up: few commands ask. */
const open = () =>
  openLibc({
    ioctl: { args: ["i32", size, "ptr"], returns: "i32" },
    tcgetpgrp: { args: ["i32"], returns: "i32" },
    getpgrp: { args: [], returns: "i32" },
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
