/** Words of command lines that are shown, to be pasted into a shell. */
import { isCommandWord } from "./command.ts";

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A lock's name as this program takes it: one that is a command's has a slash before it. */
export function lockWord(lockName: string): string {
  return shellWord(isCommandWord(lockName) ? `/${lockName}` : lockName);
}
