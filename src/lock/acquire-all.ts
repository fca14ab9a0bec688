/** Several locks at once: all are taken, or none. */
import type { AcquireRequest, Grant, LockEngine, Refusal } from "./engine.ts";
import { LockLostError } from "./errors.ts";
import { parseLockName } from "./name.ts";

/**
 * Takes several locks, in an order that is the same for all callers, so that two of them never wait for each other.
 *
 * @param names each lock counts once, however often it is named
 * @param request is made for each of them; a function gives that of each lock when its turn comes. The time to wait is
 *   the first one's
 * @returns the grants in the order of their names' bytes; or the first refusal, with nothing taken
 * @throws as {@link LockEngine.acquire}, with nothing taken
 */
export async function acquireAll(
  engine: Pick<LockEngine, "acquire">,
  names: readonly string[],
  request: AcquireRequest | ((name: string) => Promise<AcquireRequest>),
): Promise<Grant[] | Refusal> {
  const grants: Grant[] = [];
  let secondsLeft: (() => number) | undefined;
  let complete = false;
  try {
    for (const name of inCommonOrder(names)) {
      const own = typeof request === "function" ? await request(name) : request;
      secondsLeft ??= countdown(own.timeoutSeconds);
      const onWait = own.replace === true ? leaving(grants, own.onWait) : own.onWait;
      const answer = await engine.acquire(name, {
        ...own,
        timeoutSeconds: secondsLeft(),
        onWait,
      });
      if (!answer.granted) return answer;
      grants.push(answer);
    }
    complete = true;
    return grants;
  } catch (error) {
    if (!(error instanceof LockLostError) || error.loss.reason !== "replaced") throw error;
    const { newer } = error.loss;
    const by = newer === undefined ? [] : [newer];
    return { granted: false, name: error.lockName, reason: "superseded", by };
  } finally {
    if (!complete) await releaseAll(grants);
  }
}

/** Gives up a wait when one of the locks that are held already is wanted by a newer request. */
function leaving(
  grants: readonly Grant[],
  onWait: AcquireRequest["onWait"],
): AcquireRequest["onWait"] {
  return (waitedSeconds, describe) => {
    for (const grant of grants) {
      const loss = grant.findLoss();
      if (loss?.loss.reason === "replaced") throw loss;
    }
    onWait?.(waitedSeconds, describe);
  };
}

/**
 * Releases locks in the reverse of the order in which they were taken, all of them even when one cannot be.
 *
 * @throws the first error
 */
export async function releaseAll(grants: readonly Grant[]): Promise<void> {
  await forEachInReverse(grants, (grant) => grant.release());
}

/**
 * Does the same with all of them, the last one first, also with those that come after one with which it fails.
 *
 * @throws the first error
 */
export async function forEachInReverse<T>(
  all: readonly T[],
  act: (one: T) => Promise<unknown>,
): Promise<void> {
  let failure: { error: unknown } | undefined;
  for (const one of all.toReversed()) {
    try {
      await act(one);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}

/** Each name once, sorted by its bytes. */
export function inCommonOrder(names: readonly string[]): string[] {
  const unique = [...new Set(names.map(parseLockName))];
  if (unique.length < 2) return unique;
  return unique.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

/** Tells how much is left of a time that begins now. */
function countdown(seconds: number): () => number {
  if (seconds === 0 || seconds === Infinity) return () => seconds;
  const deadline = performance.now() / 1000 + seconds;
  return () => Math.max(0, deadline - performance.now() / 1000);
}
