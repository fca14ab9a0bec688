/** The state of a lock, which may not be there, as the commands tell it. */
import type { LockEngine, LookLimits } from "../../lock/engine.ts";
import { type GrantRecord, type LockState, type LockStatus, nobody } from "../../lock/status.ts";
import { type LockFacts, lockFacts } from "./lock-facts.ts";

/** The facts, and who holds it and waits. */
export interface State extends Pick<LockFacts, "name" | "exists" | "locked" | "info"> {
  json: object;
  status: LockStatus;
  /** The last grant of a free lock, when it was asked for. */
  last?: GrantRecord | undefined;
}

/** @param lock undefined stands for a lock that does not exist */
export function stateOf(name: string, lock: LockState | undefined): State {
  const facts = lockFacts(name, lock);
  const { exists, locked, info } = facts;
  const { holders, waiters, grants, recoveries } = lock ?? nobody;
  const status = { holders, waiters, grants, recoveries };
  return { name, exists, locked, info, json: { ...facts, ...status }, status };
}

/** Looks at a lock. */
export async function stateNow(
  engine: LockEngine,
  name: string,
  limits?: LookLimits,
): Promise<State> {
  return stateOf(name, await engine.inspect(name, limits));
}

/** The same, and who had a free lock last. */
export async function stateWithLast(engine: LockEngine, name: string): Promise<State> {
  const state = await stateNow(engine, name);
  if (state.locked || !state.exists) return state;
  const records = await engine.history(name, { max: 1 });
  return { ...state, last: records?.findLast(({ granted }) => granted !== null) };
}

/** What there is to say of a lock that is not there, or not all of it. */
export function missingText(name: string, lock: LockState | undefined): string {
  return lock === undefined
    ? `lock "${name}" does not exist`
    : `lock "${name}" lost its semaphore while in use; the next run or get recreates it`;
}
