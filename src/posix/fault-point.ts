/**
 * Places where a test may kill or stop the process. Only a build with `--define TEST_BUILD=true` has them:
 * RESOURCELOCK_FAULT=NAME[:SIGNAL] in its environment sends that signal (KILL by default) to the process
 * itself when it gets to the place called NAME. In any other build the calls do nothing.
 */
import { openLibc } from "./libc.ts";

declare const TEST_BUILD: boolean | undefined;

const wanted =
  typeof TEST_BUILD === "undefined" || !TEST_BUILD
    ? undefined
    : process.env["RESOURCELOCK_FAULT"]?.split(":");

/** Whether this process is to be hit at the place called `name`. */
export function isFaultWanted(name: string): boolean {
  return wanted?.[0] === name;
}

export function faultPoint(name: string): void {
  if (wanted?.[0] !== name) return;
  const { kill, getpid } = openLibc({
    kill: { args: ["i32", "i32"], returns: "i32" },
    getpid: { args: [], returns: "i32" },
  });
  kill(getpid(), Number(wanted[1] ?? 9));
}
