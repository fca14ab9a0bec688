/** Looking for a deadlock while a request waits. What does so is loaded after a second of waiting. */
import type { Circle } from "../lock/circle.ts";
import type { DeadlockWatch, Surroundings } from "../lock/deadlock-watch.ts";
import { heldVariable, readHeldClaims } from "../lock/held-claims.ts";
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
  // Of runs around this one, on whichever engine.
  const claims = readHeldClaims(environment[heldVariable] ?? "");
  const names = [...heldNames, ...claims.map(({ name }) => name)];
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
