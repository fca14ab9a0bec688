/** Deadlocks among the locks of a server, by what their keys tell. Loaded only where somebody waits. */
import { type Circle, type OwnProcess, type SeenQueue, WaitGraph } from "../lock/circle.ts";
import { DeadlockWatch, type Surroundings } from "../lock/deadlock-watch.ts";
import { processAndAncestors } from "../posix/process-start.ts";
import { replacerOf } from "./arrival.ts";
import { type Entry, holderOf, participantOf, tokenOf } from "./entry.ts";
import type { Gateway } from "./gateway.ts";
import { lockNames, lookAt, mapInParallel } from "./lock-state.ts";
import { processSpace } from "./whose.ts";

/** All circles among the locks of a server. */
export async function circlesOnServer(gateway: Gateway): Promise<Circle[]> {
  return new WaitGraph(await queuesOnServer(gateway), ancestry).circles();
}

/**
 * Looks, for a process that waits for a lock of a server, whether the wait is part of a deadlock.
 *
 * @param heldNames of the locks that it, or a run around it, holds
 */
export function watchDeadlocksOn(
  gateway: Gateway,
  lockName: string,
  options: Pick<Surroundings, "heldNames" | "inspect" | "clock">,
): DeadlockWatch {
  return new DeadlockWatch(lockName, {
    ...options,
    list: () => queuesOnServer(gateway),
    ancestry,
    own: { pid: process.pid, space: processSpace() },
  });
}

/** Where the number of a place's process means something; that of another program is unlike all others. */
function spaceOf({ key, value }: Entry): string {
  const identity = value?.attachment === "bound" ? value.ownerProcess : value?.process;
  return identity?.split(":").slice(0, -2).join(":") ?? key;
}

async function queuesOnServer(gateway: Gateway): Promise<SeenQueue[]> {
  return await mapInParallel(await lockNames(gateway), async (name) => {
    const { view } = await lookAt(gateway, name);
    const holders = view.holders.map((entry) =>
      Object.assign(holderOf(entry), { space: spaceOf(entry) }),
    );
    const waiters = view.waiters.map((entry) =>
      Object.assign(participantOf(entry), { space: spaceOf(entry) }),
    );
    const leaving = view.holders.filter(({ key }) => replacerOf(view, key) !== undefined);
    return { name, holders, waiters, leaving: leaving.map(tokenOf) };
  });
}

/** Of processes elsewhere, none that they come from can be seen. */
function ancestry({ pid, space }: OwnProcess): Iterable<number> {
  if (pid === null) return [];
  return space === processSpace() ? processAndAncestors(pid) : [pid];
}
