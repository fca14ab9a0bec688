/** Waiting for what tells nobody when it comes about. */

/**
 * How many seconds a test waits for what has to come: a minute, because a machine may be busy, and no test measures
 * time by it. Less than the limit of a test (see scripts/test), so that the failure tells what did not come.
 */
export const defaultDeadlineSeconds = Number(process.env["TEST_DEADLINE_SECONDS"] ?? "60");

export const pollMilliseconds = 10;

type Found<T> = Exclude<T, null | undefined | false>;
const isFound = <T>(value: T): value is Found<T> =>
  value !== null && value !== undefined && value !== false;

/** Polls until there is something, and gives it. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | Promise<T>,
): Promise<Found<T>> {
  const deadline = performance.now() + defaultDeadlineSeconds * 1000;
  for (;;) {
    const found = await look();
    if (isFound(found)) return found;
    if (performance.now() > deadline) {
      const missing = typeof what === "string" ? what : what();
      throw new Error(`In ${defaultDeadlineSeconds} s there was no ${missing}`);
    }
    await Bun.sleep(pollMilliseconds);
  }
}
