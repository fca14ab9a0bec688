/**
 * Circles of waits: a deadlock across several locks. Pure, on what was seen of the locks.
 *
 * A waiter waits for the processes that hold its lock or wait before it. A process waits for what it has started: so
 * one that holds a lock waits, too, where it or a process below it waits for another lock.
 */
import {
  type HolderStatus,
  isSureHolder,
  type LockState,
  type ParticipantStatus,
  type ProcessLabel,
} from "./status.ts";

/** Where the number of a process means something, where that is not one host or namespace for all. */
interface Located {
  readonly space?: string;
}

/** A process, told apart from those of the same number elsewhere. */
type LocatedProcess = ProcessLabel & Located;

/** What is looked at of a lock. */
export interface SeenQueue extends Pick<LockState, "name" | "leaving"> {
  readonly holders: readonly (HolderStatus & Located)[];
  readonly waiters: readonly (ParticipantStatus & Located)[];
}

/** The process that asks. */
export type OwnProcess = Pick<LocatedProcess, "pid" | "space">;

/** One wait of a circle, and the process through which it leads to the next one. */
interface Wait {
  readonly lockName: string;
  readonly waiter: ParticipantStatus;
  /** Whom it waits for: a holder, or one that waits before it. */
  readonly blocker: ProcessLabel;
}

/** Each wait leads to the next one, and the last to the first. */
export type Circle = readonly Wait[];

/** Gives a process and those that it comes from, as far as they can be seen. */
export type Ancestry = (process: OwnProcess) => Iterable<number>;

/** A waiter, with its place in the queue of a lock. */
interface QueuePlace {
  readonly queue: SeenQueue;
  readonly index: number;
}

/** The waits of all locks, each under the processes that wait with it. */
export class WaitGraph {
  readonly #queues: readonly SeenQueue[];
  readonly #places = new Map<string, QueuePlace[]>();

  constructor(queues: readonly SeenQueue[], ancestry: Ancestry) {
    this.#queues = queues;
    for (const queue of queues) {
      for (const [index, waiter] of queue.waiters.entries()) {
        if (waiter.pid === null) continue;
        for (const pid of ancestry(waiter)) {
          const key = keyOf({ ...waiter, pid });
          const known = this.#places.get(key);
          if (known === undefined) this.#places.set(key, [{ queue, index }]);
          else known.push({ queue, index });
        }
      }
    }
  }

  /** The shortest circle through the wait of a process for a lock; undefined for none. */
  circleThrough(lockName: string, process: OwnProcess): Circle | undefined {
    const queue = this.#queues.find(({ name }) => name === lockName);
    const index = queue?.waiters.findIndex((waiter) => keyOf(waiter) === keyOf(process)) ?? -1;
    return queue === undefined || index === -1 ? undefined : this.#shortest({ queue, index });
  }

  /** All circles, each waiter in one at most; each begins with the first of its locks by name. */
  circles(): Circle[] {
    const found: Circle[] = [];
    const told = new Set<ParticipantStatus>();
    const inOrder = this.#queues.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    for (const queue of inOrder) {
      for (const [index, waiter] of queue.waiters.entries()) {
        if (told.has(waiter)) continue;
        const circle = this.#shortest({ queue, index });
        if (circle === undefined) continue;
        for (const wait of circle) told.add(wait.waiter);
        found.push(circle);
      }
    }
    return found;
  }

  #shortest(start: QueuePlace): Circle | undefined {
    const startWaiter = waiterAt(start);
    const paths: { place: QueuePlace; path: readonly Wait[] }[] = [{ place: start, path: [] }];
    const seen = new Set<ParticipantStatus>();
    for (const { place, path } of paths) {
      const waiter = waiterAt(place);
      if (waiter === undefined) continue;
      for (const blocker of blockersOf(place)) {
        const wait = { lockName: place.queue.name, waiter, blocker };
        for (const next of this.#places.get(keyOf(blocker)) ?? []) {
          const nextWaiter = waiterAt(next);
          if (nextWaiter === startWaiter) return [...path, wait];
          if (nextWaiter === undefined || seen.has(nextWaiter)) continue;
          seen.add(nextWaiter);
          paths.push({ place: next, path: [...path, wait] });
        }
      }
    }
    return undefined;
  }
}

function keyOf({ space = "", pid }: OwnProcess): string {
  return `${pid} ${space}`;
}

function waiterAt({ queue, index }: QueuePlace): ParticipantStatus | undefined {
  return queue.waiters[index];
}

/**
 * Whom a waiter surely waits for. Of several slots any one may become free, so those who have them are left out. So is
 * a holder that was asked to leave, because it ends its command whatever that waits for; and so is the waiting process
 * itself, another part of which may let go.
 */
function blockersOf({ queue, index }: QueuePlace): ParticipantStatus[] {
  const { holders, waiters, leaving = [] } = queue;
  const waiter = waiters[index];
  if (waiter === undefined) return [];
  const isLeaving = ({ token }: HolderStatus) => token !== null && leaving.includes(token);
  const living = holders.filter((holder) => isSureHolder(holder) && !isLeaving(holder));
  return [...living, ...waiters.slice(0, index)].filter((other) => {
    const isOther = other.pid !== null && keyOf(other) !== keyOf(waiter);
    return isOther && (waiter.kind === "exclusive" || other.kind === "exclusive");
  });
}

/** Later ones have a higher one; where times are the same, any order will do that is the same for all. */
function ageRank({ waiter }: Wait): [since: number, key: string] {
  return [waiter.since ?? 0, keyOf(waiter)];
}

/** How many of a circle came later than one of its waiters: 0 for the youngest, who closed it. */
function youngerIn(circle: Circle, process: OwnProcess): number {
  const own = circle.find(({ waiter }) => keyOf(waiter) === keyOf(process));
  if (own === undefined) return Infinity;
  const [ownSince, ownKey] = ageRank(own);
  return circle.filter((wait) => {
    const [since, key] = ageRank(wait);
    return since > ownSince || (since === ownSince && key > ownKey);
  }).length;
}

/** On a slow machine who came later begins to look late, and two must not give up for one circle. */
const looksForYounger = 8;

/**
 * Whether a waiter of a circle is the one that gives up. The youngest does at once. The next one does so some looks
 * later, in case the youngest is stopped or does not look.
 *
 * @param looks how often the circle was seen in a row
 */
export function givesUp(circle: Circle, own: OwnProcess, looks: number): boolean {
  return looks > looksForYounger * youngerIn(circle, own);
}
