/** A queue of our engine's waiters and of etcdctl, through a fault of the cluster. */
import { acquired, forever, newEngine, newName, theCluster, waiting } from "./engines.ts";

/** The members, this one first. */
export function membersFrom(index: number): string {
  const clients = theCluster().members.map(({ client }) => client);
  return [...clients.slice(index), ...clients.slice(0, index)].join(",");
}

/**
 * Makes a queue of a holder, a waiter of ours, one of etcdctl and another of ours; has a fault happen; and lets them go on.
 *
 * @returns who was served, in the order of their tokens, and whether the holder lost its lock
 */
export async function mixedQueue(
  fault: () => Promise<void>,
): Promise<{ order: string[]; isLost: boolean }> {
  const name = newName();
  const watcher = newEngine();
  const served: { label: string; token: number }[] = [];
  const wait = async (label: string) => {
    const grant = await acquired(newEngine().acquire(name, forever));
    served.push({ label, token: grant.token });
    await grant.release();
  };
  const holder = await acquired(newEngine().acquire(name, forever));
  const first = wait("first");
  await waiting(watcher, name, 1);
  const theirs = theCluster().startEtcdctl("lock", name, "--", "sh", "-c", "echo $ETCD_LOCK_REV");
  await waiting(watcher, name, 2);
  const second = wait("second");
  await waiting(watcher, name, 3);
  await fault();
  const isLost = holder.watchLoss().aborted;
  await holder.release();
  const output = await new Response(theirs.stdout).text();
  served.push({ label: "etcdctl", token: Number(output) });
  await Promise.all([first, second]);
  const order = served.toSorted((one, other) => one.token - other.token);
  return { order: order.map(({ label }) => label), isLost };
}
