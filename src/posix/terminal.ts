/** Terminals: ioctl_tty(2). */
import { openLibc, size } from "./libc.ts";

const TIOCGWINSZ = 0x5413;

/** How wide a terminal is; 80 where it does not say. */
export function terminalColumns(descriptor: number): number {
  const { ioctl } = openLibc({ ioctl: { args: ["i32", size, "ptr"], returns: "i32" } });
  const window = new Uint16Array(4);
  ioctl(descriptor, TIOCGWINSZ, window);
  return window[1] || 80;
}
