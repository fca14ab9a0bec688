/** The variable in which a run tells the runs inside it what is held: `/NAME:CLAIM/NAME:CLAIM`. */
import type { Grant } from "./engine.ts";

export const heldVariable = "RESOURCELOCK_HELD";

interface HeldClaim {
  readonly name: string;
  /** As in {@link Grant.claim}. */
  readonly claim: string;
}

/** What the variable claims. It may outlive the holds, so the engine has to agree. @param text its value */
export function readHeldClaims(text: string): HeldClaim[] {
  return text
    .split("/")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const end = entry.lastIndexOf(":");
      return { name: entry.slice(0, end), claim: entry.slice(end + 1) };
    });
}

/** What a grant adds to the variable. */
export function formatHeldClaim({
  name,
  token,
  claim,
}: Pick<Grant, "name" | "token" | "claim">): string {
  return `/${name}:${claim ?? token}`;
}
