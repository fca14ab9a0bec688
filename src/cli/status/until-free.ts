/** Waiting until a lock is free, without a place in its queue. */
import type { LockEngine } from "../../lock/engine.ts";
import type { HolderStatus } from "../../lock/status.ts";
import { type State, stateNow, stateOf } from "./existing.ts";
import { claimsOf } from "./hold-around.ts";

/** Nothing tells one who does not queue: it looks, first this often ... */
const shortestPauseSeconds = 0.01;
/** ... and then ever more seldom, down to this. */
const longestPauseSeconds = 0.1;
/** A server tells at once when the lock is free; what a notice says of a wait is looked at this often. */
const leasedPauseSeconds = 1;
/** How long a look may take for which no time is left: of a lock that was not looked at before. */
const lastLookSeconds = 1;

export interface FreeWait {
  /** Ends the wait: with a TimeoutError when its time is up. */
  signal: AbortSignal;
  /** Whether one look is all. */
  once: boolean;
  /** Told what each look saw while the lock is not free. */
  onLook: (state: State) => void;
}

/** How a wait ended. */
interface WaitedState extends State {
  /** The hold around this process, for whose end it cannot wait. */
  around?: HolderStatus | undefined;
}

/** @returns the lock's state when it is free, or when the wait ended */
export async function waitUntilFree(
  engine: LockEngine,
  name: string,
  { signal, once, onLook }: FreeWait,
): Promise<WaitedState> {
  if (once) return await stateNow(engine, name, { signal });
  const everySeconds = engine.isLeased ? leasedPauseSeconds : longestPauseSeconds;
  const pauses = { firstSeconds: shortestPauseSeconds, everySeconds };
  let seen: State | undefined;
  for await (const lock of engine.watch(name, { ...pauses, signal })) {
    const state = stateOf(name, lock);
    if (!state.locked) return state;
    const around = seen === undefined ? await holdAround(engine, name, signal) : undefined;
    if (around !== undefined) return { ...state, around };
    seen = state;
    onLook(state);
  }
  if (seen !== undefined) return seen;
  if (!isTimeout(signal.reason)) signal.throwIfAborted();
  return await stateNow(engine, name, { seconds: lastLookSeconds });
}

async function holdAround(
  engine: LockEngine,
  name: string,
  signal: AbortSignal,
): Promise<HolderStatus | undefined> {
  try {
    return await engine.holdAround(name, claimsOf(name), { signal });
  } catch (error) {
    // The wait has ended meanwhile.
    if (signal.aborted) return undefined;
    throw error;
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
