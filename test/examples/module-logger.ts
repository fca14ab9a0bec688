/** Prints debug texts as the logging of cjnfuncs does, under the Python module's names. */
import type { LockLogger } from "../../src/index.ts";

const pythonNames = {
  getLock: "get_lock",
  ungetLock: "unget_lock",
  isLocked: "is_locked",
  lockValue: "lock_value",
  close: "close",
} as const;

export function log(
  moduleName: string,
  functionName: string,
  level: "DEBUG" | "WARNING",
  text: string,
): void {
  console.log(
    `${moduleName.padStart(15)}.${functionName.padEnd(20)} - ${level.padStart(8)}:  ${text}`,
  );
}

export const moduleLogger: LockLogger = {
  debug: (text, method) => log("resourcelock", pythonNames[method], "DEBUG", text),
};
