/** Who holds a lock and who waits, in words. */
import type { HolderStatus, LockStatus, ParticipantStatus } from "../../lock/status.ts";

/** As in `held by pid 4242 (make deploy) for 3m12s`. */
export function holdersText(holders: readonly HolderStatus[], now = Date.now() / 1000): string {
  const texts = holders.map((holder) => holderText(holder, now));
  return `held ${texts.join(", ")}`;
}

function holderText(holder: HolderStatus, now: number): string {
  const time = holder.since === null ? "" : ` for ${durationText(now - holder.since)}`;
  const slot = holder.slot === null ? "" : ` in slot ${holder.slot}`;
  const shared = holder.kind === "shared" ? " shared" : "";
  const who = holder.pid === null ? "" : ` by ${processText(holder)}`;
  switch (holder.attachment) {
    case "attached":
      return `by ${processText(holder)}${shared}${slot}${time}`;
    case "detached":
      return `detached${time}, until unget`;
    case "bound":
      return `bound to pid ${holder.pid}${time}`;
    case "foreign":
      return "by a peer without a ledger";
    default:
      return `${who === "" ? "by a process" : who.trimStart()}, which died: the next waiter adopts it`;
  }
}

/** A holder in a cell of a table: as in `4242 make deploy`, `bound to 4242`, `died: slot 2 4242 make`. */
export function briefHolderText({ attachment, pid, command, slot }: HolderStatus): string {
  const who = [slot === null ? "" : `slot ${slot}`, pid ?? "", command]
    .filter((word) => word !== "")
    .join(" ");
  switch (attachment) {
    case "attached":
      return who === "" ? unnamed : who;
    case "detached":
      return command === "" ? "detached" : `detached: ${command}`;
    case "bound":
      return `bound to ${pid}`;
    case "foreign":
      return "a peer without a ledger";
    default:
      return who === "" ? "a process that died" : `died: ${who}`;
  }
}

/** For how many seconds the first of them has held; null where nobody does, or nobody knows. */
export function heldSeconds(holders: readonly HolderStatus[], now: number): number | null {
  const times = holders.map(({ since }) => since).filter((since) => since !== null);
  return times.length === 0 ? null : Math.max(0, now - Math.min(...times));
}

/** Of one that lives although its seat in the ledger was written over. */
const unnamed = "a process that the ledger does not name";

function processText({ pid, command }: ParticipantStatus): string {
  if (pid === null) return unnamed;
  return command === "" ? `pid ${pid}` : `pid ${pid} (${command})`;
}

/** The lines under the state of a lock: who holds it, then who waits, in order. */
export function statusLines(
  { holders, waiters }: LockStatus,
  now: number = Date.now() / 1000,
): string[] {
  return [
    ...holders.map((holder) => `  held ${holderText(holder, now)}`),
    ...waiters.map((waiter, index) => {
      const kind = waiter.kind === "exclusive" ? "" : ` (${waiter.kind})`;
      const since = durationText(now - (waiter.since ?? now));
      return `  ${index + 1}. ${processText(waiter)}${kind} waits for ${since}`;
    }),
  ];
}

/** As in `7ms`, `3.2s`, and from ten seconds on as {@link durationText}. */
export function fineDurationText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))}ms`;
  return seconds < 9.95 ? `${seconds.toFixed(1)}s` : durationText(seconds);
}

/** As in `45s`, `3m12s`, `2h05m`, `3d04h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d${two((whole % 86_400) / 3600)}h`;
}

function two(number: number): string {
  return String(Math.floor(number)).padStart(2, "0");
}

/** As in `1st`, `22nd`, `113th`. */
export function ordinal(number: number): string {
  const teens = number % 100 > 10 && number % 100 < 14;
  const ending = teens ? undefined : ["st", "nd", "rd"][(number % 10) - 1];
  return `${number}${ending ?? "th"}`;
}
