/** Why a command was not found: its file is there, but not its interpreter; or another word was meant as the command. */
import type { Job } from "../arguments/job.ts";
import { secondsOfText } from "../../lock/duration.ts";
import { closeFile, openToRead, readAt } from "../../posix/file.ts";
import { PosixError } from "../../posix/libc.ts";

/** The kernel reads no more of a first line: BINPRM_BUF_SIZE of linux/binfmts.h. */
const maxFirstLine = 256;

/** @returns what is wrong with the interpreter of a command; undefined where there is no file, or it names none */
export function interpreterFault(command: string): string | undefined {
  const path = command.includes("/") ? command : Bun.which(command);
  const line = path === null ? undefined : firstLineOf(path);
  if (line === undefined || !line.startsWith("#!")) return undefined;
  const [interpreter = ""] = line.slice(2).trim().split(/[ \t]/);
  return line.endsWith("\r")
    ? `its lines end as on Windows, so ${JSON.stringify(`${interpreter}\r`)} is not found; convert it: sed -i 's/\\r$//' FILE`
    : `its interpreter ${JSON.stringify(interpreter)} was not found`;
}

/** `; what was meant` where the words of a command line were read otherwise than they were meant, or "". */
export function misreadHint({ names, commandName, timeoutSeconds }: Job): string {
  const [name = "", ...others] = names;
  const time = `${timeoutSeconds}${commandName}`;
  const isUnit = /^[a-z]+$/.test(commandName) && secondsOfText(time) !== undefined;
  if (isUnit && timeoutSeconds > 0) {
    return `; to wait for that long, write -t ${time}`;
  }
  if (others.length > 0 || Bun.which(name) === null) return "";
  return `; ${JSON.stringify(name)} was taken as the name of the lock`;
}

function firstLineOf(path: string): string | undefined {
  const bytes = new Uint8Array(maxFirstLine);
  try {
    const descriptor = openToRead(path);
    try {
      const length = readAt(descriptor, bytes);
      return new TextDecoder().decode(bytes.subarray(0, length)).split("\n", 1)[0];
    } finally {
      closeFile(descriptor);
    }
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    return undefined;
  }
}
