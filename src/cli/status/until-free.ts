/** Waiting until a lock is free, without a place in its queue. */
import type { LockEngine } from "../../lock/engine.ts";
import { type State, stateNow, stateOf } from "./existing.ts";

/** Nothing tells one who does not queue: it looks, first this often ... */
const shortestPauseSeconds = 0.01;
/** ... and then ever more seldom, down to this. */
const longestPauseSeconds = 0.1;
/** A server tells at once when the lock is free; what a notice says of a wait is looked at this often. */
const leasedPauseSeconds = 1;

export interface FreeWait {
  /** Ends the wait. */
  signal: AbortSignal;
  /** Whether one look is all. */
  once: boolean;
  /** Told what each look saw while the lock is not free. */
  onLook: (state: State) => void;
}

/** @returns the lock's state when it is free, or when the wait ended */
export async function waitUntilFree(
  engine: LockEngine,
  name: string,
  { signal, once, onLook }: FreeWait,
): Promise<State> {
  if (!once) {
    const everySeconds = engine.isLeased ? leasedPauseSeconds : longestPauseSeconds;
    const pauses = { firstSeconds: shortestPauseSeconds, everySeconds };
    for await (const lock of engine.watch(name, { ...pauses, signal })) {
      const state = stateOf(name, lock);
      if (!state.locked) return state;
      onLook(state);
    }
  }
  return await stateNow(engine, name);
}
