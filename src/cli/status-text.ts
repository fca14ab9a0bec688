/** Who holds a lock and who waits, in words. */
import type { HolderStatus, LockStatus, ParticipantStatus } from "../lock/lock-status.ts";

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

function processText({ pid, command }: ParticipantStatus): string {
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
