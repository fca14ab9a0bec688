/**
 * When a hold must have ended because nobody can be sure any more that its lease is there.
 *
 * The server counts the TTL of a lease from a moment later than the sending of the renewal, so nobody else can begin
 * before `sentAt + ttl`. All times are of one host's CLOCK_BOOTTIME: clocks of two hosts are never compared, only
 * their speed is.
 */

/** A fifth of the TTL: five renewals may fail before the lease ends. */
const renewalsPerTtl = 5;
/** Of the TTL, after which the command is asked to end. */
const termShare = 0.6;
/** Of the TTL, for clocks that run at different speeds: far more than any two quartzes differ by. */
const marginShare = 0.1;
/** For the 0.1 s between two looks, and for the search of /proc and the kill. */
const minMarginSeconds = 0.6;

export interface StopTimes {
  /** When to renew next. */
  readonly renewAt: number;
  /** When the command gets SIGTERM. */
  readonly termAt: number;
  /** When everything that still runs under the lock gets SIGKILL. */
  readonly killAt: number;
}

/** @param sentAt when the last renewal that counts was sent */
export function stopTimes(sentAt: number, ttlSeconds: number): StopTimes {
  const killAt = sentAt + ttlSeconds - Math.max(marginShare * ttlSeconds, minMarginSeconds);
  return {
    renewAt: sentAt + ttlSeconds / renewalsPerTtl,
    termAt: Math.min(sentAt + termShare * ttlSeconds, killAt),
    killAt,
  };
}

/** What a hold has to do now. */
export type StopStep = "nothing" | "renew" | "term" | "kill";

export function stopStep(now: number, sentAt: number, ttlSeconds: number): StopStep {
  const times = stopTimes(sentAt, ttlSeconds);
  if (now >= times.killAt) return "kill";
  if (now >= times.termAt) return "term";
  return now >= times.renewAt ? "renew" : "nothing";
}
