/** Looking for a deadlock while a request waits. What does so is loaded after a second of waiting. */
import type { Circle } from "../lock/circle.ts";
import type { DeadlockWatch, Surroundings } from "../lock/deadlock-watch.ts";
import type { Environment } from "./credentials.ts";
import type { Gateway } from "./gateway.ts";

/**
 * @param heldNames of the locks that this process holds
 * @returns undefined where neither this process nor a run around it holds anything, as far as that is known
 */
export function circleFinder(
  lockName: string,
  heldNames: readonly string[],
  {
    gateway,
    environment,
    ...more
  }: Pick<Surroundings, "inspect" | "clock"> & {
    gateway: Gateway;
    environment: Environment;
  },
): (() => Promise<Circle | undefined>) | undefined {
  const names = [...heldNames, ...heldNamesIn(environment)];
  if (names.length === 0) return undefined;
  let watch: DeadlockWatch | undefined;
  return async () => {
    if (watch === undefined) {
      const { watchDeadlocksOn } = await import("./deadlock.ts");
      watch = watchDeadlocksOn(gateway, lockName, { ...more, heldNames: names });
    }
    return await watch.look();
  };
}

/** The names of the locks that runs around this one claim to hold, on whichever engine: see waiting/around.ts. */
function heldNamesIn(environment: Environment): string[] {
  const claims = (environment["RESOURCELOCK_HELD"] ?? "")
    .split("/")
    .filter((claim) => claim !== "");
  return claims.map((claim) => claim.slice(0, claim.lastIndexOf(":")));
}
