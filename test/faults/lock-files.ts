/** What stands in /dev/shm, as a test prepares it and finds it afterwards. */
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { newLockName, resourcelock } from "../support/binary.ts";

const sharedMemory = "/dev/shm";

export const infoPath = (name: string) => `${sharedMemory}/${name}`;
export const semaphorePath = (name: string) => `${sharedMemory}/sem.${name}`;
export const ledgerPath = (name: string) => `${sharedMemory}/${name}.ledger`;

/** The files of a lock, in the order of {@link filesOf}. */
export const objectsOf = (name: string): string[] =>
  [name, `sem.${name}`, `${name}.ledger`].toSorted();

/** A lock that was made and is free; `suffix` goes into its name. */
export async function newFreeLock(suffix = ""): Promise<string> {
  const name = await newHeldLock(suffix);
  await resourcelock("unget", "-q", "--", name);
  return name;
}

/** A lock that is taken. */
export async function newHeldLock(suffix = ""): Promise<string> {
  const name = newLockName(suffix);
  await resourcelock("get", "-q", "--", name);
  return name;
}

/** What a lock's semaphore stands at: 0 is locked. */
export function semaphoreValue(name: string): number {
  return readFileSync(semaphorePath(name)).readInt32LE();
}

/** Writes an info segment as a careless peer might: these bytes, and of a longer segment no more. */
export function overwriteInfo(name: string, bytes: string | Uint8Array): void {
  writeFileSync(infoPath(name), bytes, { flag: "r+" });
}

/** The info text of a lock: the bytes up to its NUL, one character for each. */
export function infoBytes(name: string): string {
  return readFileSync(infoPath(name), "latin1").replace(/\0.*$/s, "");
}

/**
 * The files whose name has `part` in it, each with its kind, and for a regular one with its bytes: equal
 * where nothing was made, changed or deleted.
 */
export function filesOf(part: string, directory = sharedMemory): Record<string, string> {
  const files = readdirSync(directory).filter((file) => file.includes(part));
  return Object.fromEntries(
    files.toSorted().map((file) => {
      const path = `${directory}/${file}`;
      const status = lstatSync(path);
      const bytes = status.isFile() ? readFileSync(path, "latin1") : "";
      return [file, `${(status.mode & 0o170000).toString(8)} ${bytes}`];
    }),
  );
}

/** Words 2, 3 and 18 of a ledger's header: the counter, and the seat last taken. */
const drawnFrom = [8, 9, 10, 11, 12, 13, 14, 15, 72, 73, 74, 75];

const entryBytes = 128;

/**
 * Files of {@link filesOf} without what a request leaves changed in the ledger that was not granted: draws, and the
 * history in the seats that nobody has a ticket for.
 */
export function withoutDraws(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([file, text]) => {
      if (!file.endsWith(".ledger")) return [file, text];
      const bytes = Buffer.from(text, "latin1");
      const header = text.indexOf(" ") + 1;
      for (const byte of drawnFrom) bytes[header + byte] = 0;
      for (let seat = header + entryBytes; seat < bytes.length; seat += entryBytes) {
        if (bytes.readBigUInt64LE(seat) === 0n) bytes.fill(0, seat, seat + entryBytes);
      }
      return [file, bytes.toString("latin1")];
    }),
  );
}

/**
 * Deletes what the tests of this run have made. The hooks of test/support/binary.ts are those of the one file
 * that loads it first, so each file here has to have its own.
 */
export function removeLocks(): void {
  for (const file of readdirSync(sharedMemory)) {
    if (file.includes(`test-${process.pid}-`)) {
      rmSync(`${sharedMemory}/${file}`, { force: true, recursive: true });
    }
  }
}
