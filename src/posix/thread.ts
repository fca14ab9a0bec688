/** Threads of the C library, which Bun starts itself: whether there may be more of them. */
import { type Pointer, ptr } from "bun:ffi";
import { openLibc, size } from "./libc.ts";

/** pthread_t, an unsigned long, in 32-bit words. */
const threadWords = 2;

/**
 * Whether this process may have so many more threads at once. It starts them and lets them end, as that alone tells of
 * all limits: of the user (RLIMIT_NPROC), of a control group (pids.max), of the host, and of memory for their stacks.
 * It says nothing of later.
 */
export function canStartThreads(count: number): boolean {
  const libc = openLibc({
    pthread_create: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
    pthread_join: { args: [size, "ptr"], returns: "i32" },
    sem_init: { args: ["ptr", "i32", "u32"], returns: "i32" },
    sem_wait: { args: ["ptr"], returns: "i32" },
    sem_post: { args: ["ptr"], returns: "i32" },
  });
  // Each of them waits until all are there: one function of the C library, called with one pointer.
  const { ptr: waitFunction } = libc.sem_wait as { ptr?: Pointer };
  if (waitFunction === undefined) return false;
  const gate = new Uint8Array(32);
  if (libc.sem_init(gate, 0, 0) !== 0) return false;
  const gateAddress = ptr(gate);
  const threads = new Uint32Array(count * threadWords);
  const address = ptr(threads);
  let started = 0;
  while (started < count) {
    const thread = (address + started * threadWords * Uint32Array.BYTES_PER_ELEMENT) as Pointer;
    if (libc.pthread_create(thread, null, waitFunction, gateAddress) !== 0) break;
    started += 1;
  }
  for (let index = 0; index < started; index++) libc.sem_post(gate);
  for (let index = 0; index < started; index++) {
    const [low = 0, high = 0] = threads.subarray(index * threadWords);
    libc.pthread_join(low + high * 2 ** 32, null);
  }
  return started === count;
}
