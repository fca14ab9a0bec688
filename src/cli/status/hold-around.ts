/** Holds around this process, which end when it does: a wait for such a lock would never end. */
import type { AcquireRequest, LockEngine, LookLimits } from "../../lock/engine.ts";
import { heldVariable, readHeldClaims } from "../../lock/held-claims.ts";
import type { HolderStatus } from "../../lock/status.ts";
import { processText } from "./status-text.ts";

/** A lock that cannot be waited for: who holds it waits for this process to end. */
export class HeldAround extends Error {
  override readonly name = "HeldAround";
  readonly lockName: string;
  readonly holder: HolderStatus;

  constructor(lockName: string, holder: HolderStatus) {
    super(`Cannot wait for lock "${lockName}": it is held around this process`);
    this.lockName = lockName;
    this.holder = holder;
  }
}

/** What the environment claims to be held of a lock. */
export function claimsOf(lockName: string): string[] {
  const held = process.env[heldVariable];
  if (held === undefined) return [];
  const claims = readHeldClaims(held).filter(({ name }) => name === lockName);
  return claims.map(({ claim }) => claim);
}

/** A request that sends others away must not do so before it finds that it cannot wait. @throws {HeldAround} */
export async function requireNoneAround(
  engine: LockEngine,
  names: readonly string[],
  request: Pick<AcquireRequest, "timeoutSeconds" | "signal">,
): Promise<void> {
  for (const name of names) {
    const around = await engine.holdAround(name, claimsOf(name), lookLimitsOf(request));
    if (around !== undefined) throw new HeldAround(name, around);
  }
}

/** Makes a request fail with {@link HeldAround} when it would begin to wait for a hold around this process. */
export async function refusedUnderHold(
  engine: LockEngine,
  name: string,
  request: AcquireRequest,
): Promise<AcquireRequest> {
  const claims = claimsOf(name);
  // A server's engine knows what the environment claims, and tells with the wait.
  const isAsked = claims.length > 0 && !engine.isLeased;
  const claimed = isAsked ? await engine.holdAround(name, claims) : undefined;
  const { onWait } = request;
  let isFirst = true;
  return {
    ...request,
    onWait(waitedSeconds, describe) {
      if (isFirst) {
        isFirst = false;
        const around = claimed ?? describe().around;
        if (around !== undefined) throw new HeldAround(name, around);
      }
      onWait?.(waitedSeconds, describe);
    },
  };
}

/** A look before a request takes no longer than the request may, and ends with it. */
export function lookLimitsOf({
  timeoutSeconds,
  signal,
}: Pick<AcquireRequest, "timeoutSeconds" | "signal">): LookLimits {
  return { seconds: timeoutSeconds === 0 ? undefined : timeoutSeconds, signal };
}

/** Who cannot wait for a hold around it. */
interface Asker {
  readonly command: "run" | "get" | "wait" | "session";
  /** Whether a run may go under the hold; undefined for the others, which never do. */
  readonly isEnough?: boolean;
}

/** A lock that cannot be waited for, because it is held by what this command runs under. */
export function heldAroundText(
  name: string,
  holder: HolderStatus,
  { command, isEnough }: Asker,
): string {
  const cannot = `Cannot wait for lock "${name}": `;
  const { kind, slots, attachment, pid, token } = holder;
  if (attachment === "bound") {
    const bound = `${cannot}this ${command} is part of pid ${pid}, for which get --owner-pid holds the lock already`;
    return isEnough === true ? `${bound}; to run under that hold, use --reentrant` : bound;
  }
  if (pid === process.pid) return `${cannot}this ${command} holds it itself`;
  const how = { exclusive: "", shared: " with --shared", slots: ` with --slots ${slots}` }[kind];
  const it = command === "run" ? "this one" : `this ${command}`;
  // It is a run's by what that told its command.
  const isRun = claimsOf(name).some((claim) => Number.parseInt(claim) === token);
  const who = isRun
    ? `a run around ${it}`
    : `${processText(holder)}, which started this ${command},`;
  const text = `${cannot}${who} holds it${how} and waits for ${it} to end`;
  if (isEnough === undefined) return text;
  return isEnough
    ? `${text}; to run under that hold, use --reentrant`
    : `${text}; that hold is not enough for --reentrant`;
}
