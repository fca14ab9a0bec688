/** Holds around this process: what a run tells the runs inside it. */
import type { Grant } from "../../lock/engine.ts";
import type { RequestedKind } from "../../lock/kinds.ts";
import type { HolderStatus } from "../../lock/status.ts";

/** The variable in which a run tells the runs inside it what is held: `/NAME:TOKEN/NAME:TOKEN`. */
const heldVariable = "RESOURCELOCK_HELD";

/** The tokens that the environment claims to be held of a lock. It may outlive the holds, so the engine has to agree. */
export function claimedTokens(lockName: string): number[] {
  return (process.env[heldVariable] ?? "")
    .split("/")
    .filter((claim) => claim.slice(0, claim.lastIndexOf(":")) === lockName)
    .map((claim) => claim.slice(claim.lastIndexOf(":") + 1))
    .filter((token) => /^[1-9]\d*$/.test(token))
    .map(Number);
}

/** Whether who runs under a hold has what it asks for: nobody else may hold the lock at the same time that it forbids. */
export function covers(around: HolderStatus, kind: RequestedKind): boolean {
  if (around.kind === "exclusive") return true;
  if (around.kind === "shared") return kind === "shared";
  return typeof kind === "object" && (around.slots ?? Infinity) <= kind.slots;
}

/** What the environment of a command says of the locks that are held for it. */
export function variablesOf(
  grants: readonly Grant[],
  joined: readonly HolderStatus[],
  withSlots: boolean,
): Record<string, string | undefined> {
  // Nothing was taken when all of it is held around this run: its variables stay.
  if (grants.length === 0) {
    // Under an exclusive hold it is alone.
    return withSlots ? { RESOURCELOCK_SLOT: joined.map(({ slot }) => slot ?? 0).join(",") } : {};
  }
  const claims = grants.map(({ name, token }) => `/${name}:${token}`);
  return {
    RESOURCELOCK_NAME: grants.map(({ name }) => name).join(","),
    RESOURCELOCK_TOKEN: grants.map(({ token }) => token).join(","),
    [heldVariable]: (process.env[heldVariable] ?? "") + claims.join(""),
    RESOURCELOCK_SLOT: withSlots ? grants.map(({ slot }) => slot).join(",") : undefined,
  };
}
