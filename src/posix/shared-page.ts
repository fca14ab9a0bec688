/** A page of memory that a process shares with those that it passes the descriptor to: memfd_create(2), mmap(2). */
import { toArrayBuffer } from "bun:ffi";
import { check, cString, lastError, long, size, whenNeeded } from "./libc.ts";

const libc = whenNeeded({
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  ftruncate: { args: ["i32", long], returns: "i32" },
  mmap: { args: ["ptr", size, "i32", "i32", "i32", long], returns: "ptr" },
});

const MFD_CLOEXEC = 1;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const memoryPageBytes = 4096;

/** Creates a page, zeroed. @returns its descriptor, which closes when another program is started */
export function createSharedPage(): number {
  const descriptor = check(
    "memfd_create",
    libc().memfd_create(cString("resourcelock"), MFD_CLOEXEC),
  );
  check("ftruncate", libc().ftruncate(descriptor, memoryPageBytes));
  return descriptor;
}

/** Maps a page. Its numbers are 8 bytes each and aligned, so each is read and written whole. */
export function mapSharedPage(descriptor: number): Float64Array {
  const address = libc().mmap(
    null,
    memoryPageBytes,
    PROT_READ | PROT_WRITE,
    MAP_SHARED,
    descriptor,
    0,
  );
  // MAP_FAILED is -1.
  if (address === null || BigInt.asIntN(64, BigInt(address)) === -1n) throw lastError("mmap");
  return new Float64Array(toArrayBuffer(address, 0, memoryPageBytes));
}
