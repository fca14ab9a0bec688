/** Waits for a time, or until a signal is aborted: the caller looks which. */
export async function abortablePause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, milliseconds);
  signal?.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  // A signal that outlives many pauses would keep a listener of each.
  signal?.removeEventListener("abort", end);
}
