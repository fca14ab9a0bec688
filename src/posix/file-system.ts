/** File systems: statfs(2). */
import { check, cString, openLibc } from "./libc.ts";

export interface FileSystem {
  isTmpfs: boolean;
  /** 0 where there is no limit. */
  bytes: number;
  freeBytes: number;
  /** How many files there can be; 0 where there is no limit. */
  files: number;
  freeFiles: number;
  isNoexec: boolean;
}

const TMPFS_MAGIC = 0x01021994;
const ST_NOEXEC = 8;

/** What a path lies on. @throws {PosixError} ENOENT ... */
export function fileSystemAt(path: string): FileSystem {
  const { statfs } = openLibc({ statfs: { args: ["ptr", "ptr"], returns: "i32" } });
  // struct statfs, alike on x64 and arm64: type, block size, blocks, free ones, those free for users, files, free
  // ones, id, longest name, fragment size, flags.
  const words = new BigInt64Array(15);
  check("statfs", statfs(cString(path), words));
  const word = (index: number) => Number(words[index]);
  return {
    isTmpfs: word(0) === TMPFS_MAGIC,
    bytes: word(2) * word(1),
    freeBytes: word(4) * word(1),
    files: word(5),
    freeFiles: word(6),
    isNoexec: (word(10) & ST_NOEXEC) !== 0,
  };
}
