/** Looks, for one who waits, whether the wait is part of a deadlock. Loaded only after a second of waiting. */
import {
  type Ancestry,
  type Circle,
  givesUp,
  type OwnProcess,
  type SeenQueue,
  WaitGraph,
} from "./circle.ts";
import { isSureHolder, type LockStatus } from "./status.ts";

const lookSeconds = 1;
/** What processes hold does not change while they wait, but for a hold that somebody binds to one. */
const rescanSeconds = 30;

/** Where the locks are. */
export interface Surroundings {
  /** Looks at all locks. Undefined where that takes longer than one look may: the next one goes on. */
  readonly list: () => Promise<readonly SeenQueue[] | undefined>;
  /** Looks once more at the locks of a circle, where {@link list} may have seen each at another time. */
  readonly lookAgain?: (lockNames: readonly string[]) => readonly SeenQueue[];
  /** Looks at one lock, which is cheaper. */
  readonly inspect: (lockName: string) => Promise<Pick<LockStatus, "waiters"> | undefined>;
  /** Seconds of a clock that nobody sets. */
  readonly clock: () => number;
  readonly ancestry: Ancestry;
  /** The process that waits. */
  readonly own: OwnProcess;
  /** The only locks that it, or a process above it, may hold; undefined where all locks have to be looked at. */
  readonly heldNames?: readonly string[] | undefined;
}

export class DeadlockWatch {
  readonly #lockName: string;
  readonly #around: Surroundings;
  #heldNames: readonly string[] | undefined;
  #rescanAtSeconds = Infinity;
  #looks = 0;

  constructor(lockName: string, around: Surroundings) {
    this.#lockName = lockName;
    this.#around = around;
    this.#heldNames = around.heldNames;
  }

  /** @returns the circle, where it is this process that is to give up */
  async look(): Promise<Circle | undefined> {
    const circle = (await this.#mayBeAwaited()) ? await this.#findCircle() : undefined;
    this.#looks = circle === undefined ? 0 : this.#looks + 1;
    const isOwn = circle !== undefined && givesUp(circle, this.#around.own, this.#looks);
    return isOwn ? circle : undefined;
  }

  /** In how many seconds the next look can find anything. */
  get secondsToNext(): number {
    const holdsNothing = this.#heldNames?.length === 0;
    return holdsNothing
      ? Math.max(lookSeconds, this.#rescanAtSeconds - this.#around.clock())
      : lookSeconds;
  }

  /** Whether anybody waits for a lock that this process holds, or one above it: without that there is no circle. */
  async #mayBeAwaited(): Promise<boolean> {
    const { clock, inspect } = this.#around;
    if (this.#heldNames === undefined || clock() >= this.#rescanAtSeconds) return true;
    for (const name of this.#heldNames) {
      if (((await inspect(name))?.waiters.length ?? 0) > 0) return true;
    }
    return false;
  }

  async #findCircle(): Promise<Circle | undefined> {
    const { list, lookAgain, clock, ancestry, own, heldNames } = this.#around;
    const locks = await list();
    if (locks === undefined) return undefined;
    if (heldNames === undefined) {
      const above = new Set(ancestry(own));
      const held = locks.filter(({ holders }) =>
        holders.filter(isSureHolder).some(({ pid, space }) => {
          return pid !== null && space === own.space && above.has(pid);
        }),
      );
      this.#heldNames = held.map(({ name }) => name);
      this.#rescanAtSeconds = clock() + rescanSeconds;
      if (!held.some(({ waiters }) => waiters.length > 0)) return undefined;
    }
    const circle = new WaitGraph(locks, ancestry).circleThrough(this.#lockName, own);
    const again = circle && lookAgain?.(circle.map(({ lockName }) => lockName));
    if (again === undefined) return circle;
    return new WaitGraph(again, ancestry).circleThrough(this.#lockName, own);
  }
}
