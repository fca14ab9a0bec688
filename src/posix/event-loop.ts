/**
 * Bun's event loop, seen from a thread that mostly blocks in the kernel. To run it where it has nothing to do costs a
 * garbage collection now and then, of 2 to 4 ms on several threads (BUN_JSC_logGC=1).
 */
import { size, whenNeeded } from "./libc.ts";
import { openDescriptors } from "./open-descriptors.ts";

const polling = whenNeeded({ poll: { args: ["ptr", size, "i32"], returns: "i32" } });
const blocking = whenNeeded({ ppoll: { args: ["ptr", size, "ptr", "ptr"], returns: "i32" } });

const POLLIN = 1;

/** Tells whether the event loop has anything to do: a signal that came in wakes its epoll instance. */
export class EventLoopWatch {
  /** Of struct pollfd: a descriptor, and in one number the events wanted and got; each epoll instance there is. */
  readonly #polled: Int32Array;

  /** @param open the descriptors of this process */
  constructor(open: ReadonlyMap<number, string> = openDescriptors()) {
    const instances = [...open].filter(([, target]) => target === "anon_inode:[eventpoll]");
    this.#polled = new Int32Array(instances.flatMap(([descriptor]) => [descriptor, POLLIN]));
  }

  /** True also where nobody can tell. */
  get isDue(): boolean {
    const count = this.#polled.length / 2;
    return count === 0 || polling().poll(this.#polled, count, 0) !== 0;
  }

  /** Whether {@link block} can: where the caller left an epoll instance of its own, nobody can tell whose event it is. */
  get canBlock(): boolean {
    return this.#polled.length === 2;
  }

  /**
   * Blocks until the event loop has something to do, a signal comes, or the time is up.
   *
   * @param blocked the signals that do not come meanwhile, as a sigset_t
   */
  block(milliseconds: number, blocked: Uint32Array): void {
    // struct timespec: seconds and nanoseconds, each of two words.
    const seconds = Math.floor(milliseconds / 1000);
    const time = new Uint32Array([seconds, 0, (milliseconds - seconds * 1000) * 1e6, 0]);
    blocking().ppoll(this.#polled, 1, time, blocked);
  }
}
