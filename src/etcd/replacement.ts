/** Watching, for a holder that may be replaced, whether a newer request wants its lock. */
import { LockServerError } from "../lock/errors.ts";
import { replacerOf } from "./arrival.ts";
import type { Entry } from "./entry.ts";
import type { Gateway } from "./gateway.ts";
import { queuePrefix } from "./keys.ts";
import { QueueView } from "./queue-view.ts";
import { QueueWatch } from "./queue-watch.ts";
import { keyValuesIn, range } from "./requests.ts";

/** Before the queue is read again from a server that does not answer, or refuses. */
const retryMilliseconds = 1000;

/**
 * Waits until a newer request wants the lock.
 *
 * @param key of the place that holds
 * @returns the request's place; undefined once the signal is aborted, or the place that holds is gone
 */
export async function untilReplaced(
  gateway: Gateway,
  lockName: string,
  key: string,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const keys = { prefix: queuePrefix(lockName) };
  const view = new QueueView();
  while (!signal.aborted) {
    try {
      const { message, header } = await gateway.call("kv/range", range(keys), { signal });
      view.load(keyValuesIn(message), header.revision);
      const watch = new QueueWatch(gateway, keys, view, { signal });
      try {
        do {
          const newer = replacerOf(view, key);
          if (newer !== undefined || view.find(key) === undefined) return newer;
        } while ((await watch.next(Infinity)) === "changed");
      } finally {
        watch.close();
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      // The lease tells what becomes of the hold meanwhile.
      if (!(error instanceof LockServerError)) throw error;
      await Bun.sleep(retryMilliseconds);
    }
  }
  return undefined;
}
