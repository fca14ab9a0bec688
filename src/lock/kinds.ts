/** The kinds of holds, and the one rule of who waits for whom. Every engine follows it. */
import type { KindName } from "./status.ts";

/** What a request asks for: to hold alone, with all that say "shared", or with up to `slots` that say so. */
export type RequestedKind =
  | "exclusive"
  | "shared"
  | {
      /** How many may hold at once: 1 to 1023. */
      readonly slots: number;
      /** What each slot stands for, by its number; as many as there are slots. */
      readonly names?: readonly string[];
    };

/** One place in the queue of a lock. */
export interface QueueEntry {
  readonly kind: KindName;
  /** How many may hold at once, for slots; else 0. */
  readonly slots: number;
}

/**
 * Finds whom an entry waits for. The queue is first come, first served, and an entry keeps its place while it holds,
 * so who holds and who still waits makes no difference here:
 *
 * | it is | it may hold when those before it |
 * |---|---|
 * | exclusive | have all left |
 * | shared | have no exclusive one among them |
 * | slots N | have no exclusive one among them, and fewer of slots than its N and than the N of each of those |
 *
 * Entries only leave from before another one, so a "may hold" never turns back into "must wait"; and while an entry
 * of slots N holds, the others of slots that hold are fewer than its N.
 *
 * @param own the entry that asks
 * @param before the entries that came earlier and have not left, the oldest first
 * @returns the index in `before` of the nearest entry that has to go first, -1 when the lock can be had. When both
 * are of slots, it is enough that the other one is granted or leaves; after that, ask again
 */
export function nearestBlocker(own: QueueEntry, before: readonly QueueEntry[]): number {
  if (own.kind === "exclusive") return before.length - 1;
  const exclusive = before.findLastIndex(({ kind }) => kind === "exclusive");
  if (exclusive !== -1 || own.kind === "shared") return exclusive;
  const inSlots = before.filter(({ kind }) => kind === "slots");
  const limit = Math.min(own.slots, ...inSlots.map(({ slots }) => slots));
  return inSlots.length < limit ? -1 : before.findLastIndex(({ kind }) => kind === "slots");
}
