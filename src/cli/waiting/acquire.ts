/** From a request to its grants, on the command line: between signals and notices. */
import { acquireAll, releaseAll } from "../../lock/acquire-all.ts";
import type { AcquireRequest, Grant, LockEngine, Refusal } from "../../lock/engine.ts";
import { type HolderStatus, pidText } from "../../lock/status.ts";
import { CallersAlarm } from "../../posix/alarm.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { diagnostics, type OutputOptions } from "../terminal/output.ts";
import { HeldAround, refusedUnderHold, requireNoneAround } from "../status/hold-around.ts";
import { Interrupted, type SignalTrap } from "./signals.ts";
import { WaitNotice } from "./wait-notice.ts";

/** What a request of the command line goes with. */
export interface WaitContext {
  readonly engine: LockEngine;
  readonly output: OutputOptions;
  /** The signals that end the wait. */
  readonly trap: SignalTrap;
  /** Called when the wait for a lock has begun, and been told. */
  readonly onFirstWait?: () => void;
}

/** A refusal, and what there is to say of it. */
export interface ToldRefusal extends Refusal {
  readonly waitedSeconds: number;
  readonly info: string;
  readonly holders: readonly HolderStatus[];
  readonly maxWaiters?: number | undefined;
  /** The hold around this process that it would have waited for. */
  readonly around?: HolderStatus | undefined;
}

/** {@link acquireLocks} of one lock. @returns the grant, or undefined and the refusal */
export async function acquireLock(
  context: WaitContext,
  name: string,
  request: AcquireRequest,
): Promise<[grant: Grant] | [undefined, ToldRefusal]> {
  const answer = await acquireLocks(context, [name], request).catch((error: unknown) => {
    if (error instanceof HeldAround) return refusalUnderHold(context.engine, error);
    throw error;
  });
  if (!Array.isArray(answer)) return [undefined, answer];
  const [grant] = answer;
  if (grant === undefined) throw new Error(`Cannot find the grant of lock "${name}"`);
  return [grant];
}

/** It waits for itself, through the hold around it. */
async function refusalUnderHold(
  engine: LockEngine,
  { lockName, holder }: HeldAround,
): Promise<ToldRefusal> {
  const state = await engine.inspect(lockName);
  return {
    seen: state,
    granted: false,
    name: lockName,
    reason: "deadlock",
    by: [holder],
    around: holder,
    waitedSeconds: 0,
    info: state?.info ?? "",
    holders: [holder],
  };
}

/**
 * Takes locks: all of them, or none.
 *
 * @throws {Interrupted} by a signal; then nothing is taken
 * @throws {HeldAround} when a lock is held by a process that this one runs under; then nothing is taken
 */
export async function acquireLocks(
  context: WaitContext,
  names: readonly string[],
  request: AcquireRequest,
): Promise<Grant[] | ToldRefusal> {
  const { engine, output, trap } = context;
  const startSeconds = monotonicSeconds();
  if (request.newest === true || request.replace === true) {
    await requireNoneAround(engine, names, { ...request, signal: trap.signal });
  }
  const answer = await acquireNoticed(context, names, request);
  if (!Array.isArray(answer)) {
    const isTriedOnce = request.timeoutSeconds === 0;
    const state = answer.seen ?? (await engine.inspect(answer.name));
    return {
      ...answer,
      maxWaiters: request.maxWaiters,
      seen: state,
      waitedSeconds: isTriedOnce ? 0 : monotonicSeconds() - startSeconds,
      info: state?.info ?? "",
      holders: state?.holders ?? [],
    };
  }
  // A signal that came with the grant is seen in the next turn.
  await trap.turn();
  if (trap.received !== undefined) {
    await releaseAll(answer);
    throw new Interrupted(trap.received);
  }
  if (!output.quiet) for (const grant of answer) tellAdopted(grant);
  return answer;
}

/** Waits, and says on stderr what for. */
async function acquireNoticed(
  { engine, output, trap, onFirstWait }: WaitContext,
  names: readonly string[],
  request: AcquireRequest,
): Promise<Grant[] | Refusal> {
  // cjnfuncs.resourcelock says nothing while it waits.
  const isSilent = output.quiet || output.seedOrder;
  let notice: WaitNotice | undefined;
  const noticed = async (name: string): Promise<AcquireRequest> => {
    notice?.end();
    notice = undefined;
    let isFirst = true;
    return await refusedUnderHold(engine, name, {
      ...request,
      signal: trap.signal,
      onWait(waitedSeconds, describe) {
        if (!isSilent) {
          notice ??= new WaitNotice(name);
          notice.update(waitedSeconds, describe);
        }
        if (isFirst) onFirstWait?.();
        isFirst = false;
      },
    });
  };
  try {
    return await acquireAll(engine, names, noticed);
  } catch (error) {
    if (error instanceof CallersAlarm) throw new Interrupted("SIGALRM");
    throw error;
  } finally {
    notice?.end();
  }
}

function tellAdopted({ name, adoptedFrom }: Grant): void {
  if (adoptedFrom === undefined) return;
  const { command } = adoptedFrom;
  const number = pidText(adoptedFrom);
  const label = command === "" ? "" : ` (${command})`;
  const who = number === undefined ? "a process that died" : `${number}${label}, which died`;
  diagnostics().info(`took over lock "${name}" from ${who}; its work may be unfinished`);
}
