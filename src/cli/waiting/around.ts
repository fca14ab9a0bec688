/** Holds around this process: what a run tells the runs inside it. */
import type { Grant } from "../../lock/engine.ts";
import { formatHeldClaim, heldVariable } from "../../lock/held-claims.ts";
import type { RequestedKind } from "../../lock/kinds.ts";
import type { HolderStatus } from "../../lock/status.ts";

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
  kind: RequestedKind,
): Record<string, string | undefined> {
  // Nothing was taken when all of it is held around this run: its variables stay. Under an exclusive hold it is alone.
  if (grants.length === 0) return slotVariables(joined, kind);
  const claims = grants.map(formatHeldClaim);
  return {
    RESOURCELOCK_NAME: grants.map(({ name }) => name).join(","),
    RESOURCELOCK_TOKEN: grants.map(({ token }) => token).join(","),
    [heldVariable]: (process.env[heldVariable] ?? "") + claims.join(""),
    RESOURCELOCK_SLOT: undefined,
    RESOURCELOCK_SLOT_NAME: undefined,
    ...slotVariables(grants, kind),
    ...otherVariables(grants),
  };
}

/** The variables that the engine adds; for several locks separated by commas, like ours. */
function otherVariables(grants: readonly Grant[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { variables = {} } of grants) {
    for (const [name, value] of Object.entries(variables)) {
      found[name] = found[name] === undefined ? value : `${found[name]},${value}`;
    }
  }
  return found;
}

function slotVariables(
  holds: readonly { readonly slot: number | null }[],
  kind: RequestedKind,
): Record<string, string> {
  if (typeof kind !== "object") return {};
  const slots = holds.map(({ slot }) => slot ?? 0);
  const variables = { RESOURCELOCK_SLOT: slots.join(",") };
  if (kind.names === undefined) return variables;
  const names = slots.map((slot) => kind.names?.[slot] ?? "");
  return { ...variables, RESOURCELOCK_SLOT_NAME: names.join(",") };
}
