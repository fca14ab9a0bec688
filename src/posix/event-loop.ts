/** Bun's event loop, seen from a thread that mostly blocks in the kernel. */
import { size, whenNeeded } from "./libc.ts";
import { openDescriptors } from "./open-descriptors.ts";

const polling = whenNeeded({ poll: { args: ["ptr", size, "i32"], returns: "i32" } });

const POLLIN = 1;

/**
 * Tells whether the event loop has anything to do: a signal that came in wakes its epoll instance. To run it where it
 * has nothing costs a garbage collection now and then, on several threads.
 */
export class EventLoopWatch {
  /** Of struct pollfd: a descriptor, and in one number the events wanted and got; each epoll instance there is. */
  readonly #polled: Int32Array;

  constructor() {
    const instances = [...openDescriptors()].filter(
      ([, target]) => target === "anon_inode:[eventpoll]",
    );
    this.#polled = new Int32Array(instances.flatMap(([descriptor]) => [descriptor, POLLIN]));
  }

  /** True also where nobody can tell. */
  get isDue(): boolean {
    const count = this.#polled.length / 2;
    return count === 0 || polling().poll(this.#polled, count, 0) !== 0;
  }
}
