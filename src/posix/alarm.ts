/** Ending waits in the kernel: setitimer(2) and siginterrupt(3). */
import type { Pointer } from "bun:ffi";
import { check, openLibc, whenNeeded } from "./libc.ts";
import { signalNumbers } from "./process.ts";

const libc = openLibc({ siginterrupt: { args: ["i32", "i32"], returns: "i32" } });
const alarms = whenNeeded({
  abs: { args: ["i32"], returns: "i32" },
  setitimer: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
});

const ITIMER_REAL = 0;
/** struct itimerval: interval and first time, each in seconds and microseconds, of two words each. */
const timer = new Uint32Array(8);

/**
 * Makes the signal of {@link setAlarm} end calls that wait, and do nothing else. Its handler is libc's abs, a function
 * of an int that does nothing: one of Bun's would have the event loop run, with its garbage collection, each time.
 */
export function catchAlarms(): void {
  // Bun has the address, but not in its types.
  const { ptr } = alarms().abs as unknown as { ptr: Pointer };
  alarms().signal(signalNumbers.SIGALRM, ptr);
  interruptWaits(signalNumbers.SIGALRM);
}

/**
 * Sends SIGALRM to this process after so many seconds and every second from then on, as one alone could come
 * just before the wait that it is to end. 0 ends that.
 */
export function setAlarm(seconds: number): void {
  const whole = Math.floor(seconds);
  timer[0] = seconds === 0 ? 0 : 1;
  timer[4] = whole;
  timer[6] = Math.round((seconds - whole) * 1e6);
  check("setitimer", alarms().setitimer(ITIMER_REAL, timer, null));
}

/** Makes a signal that has a handler end calls that wait; Bun has the kernel start them again. */
export function interruptWaits(signalNumber: number): void {
  check("siginterrupt", libc.siginterrupt(signalNumber, 1));
}
