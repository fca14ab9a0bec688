/**
 * What the commands say of a lock, in one of two voices. This is the one place that chooses: in our order of words
 * (`state disk`) plain English; in the seed's (`disk state`) the texts of cjnfuncs.resourcelock, to the letter.
 */
import type { Circle } from "../../lock/circle.ts";
import { messages } from "../../lock/messages.ts";
import type { HolderStatus, ProcessLabel } from "../../lock/status.ts";
import { durationText, fineDurationText } from "../terminal/time-text.ts";
import { behindText } from "./deadlock-text.ts";
import { heldAroundText } from "./hold-around.ts";
import {
  holdersText,
  processText,
  stateLine,
  type StateFacts,
  stateLines,
  ungetText,
} from "./status-text.ts";

/** A grant that stays when the command has ended. */
interface Granted {
  info: string;
  /** The process that it is bound to. */
  process?: number | undefined;
  /** For how long it stays. */
  seconds?: number | undefined;
  /** For how long at most, if nobody releases it. */
  ttlSeconds?: number | undefined;
  /** The servers that --server names. */
  server?: string | undefined;
}

/** A request that was not granted. */
interface Refused {
  reason: "timeout" | "superseded" | "crowded" | "deadlock";
  /** How long it waited. */
  waitedSeconds: number;
  info: string;
  holders: readonly HolderStatus[];
  /** The one who superseded it, those who wait, or the circle that it would have closed. */
  by: readonly ProcessLabel[];
  circle?: Circle | undefined;
  /** How many others may wait, as it said. */
  maxWaiters?: number | undefined;
  /** The hold around this process that a get would have waited for. */
  around?: HolderStatus | undefined;
}

interface Texts {
  granted(name: string, grant: Granted): string;
  refused(name: string, refusal: Refused): string;
  /** @param whereCalled who released it, for the seed's text */
  released(name: string, whereCalled: string): string;
  forceReleased(name: string, whereCalled: string): string;
  notLocked(name: string, whereCalled: string): string;
  state(facts: StateFacts): string[];
  /** The state at one look of several. */
  look(facts: StateFacts): string;
}

const plain: Texts = {
  granted(name, { process, seconds, ttlSeconds, server }) {
    if (seconds !== undefined) return `${name}: locked for ${fineDurationText(seconds)}`;
    if (process !== undefined) return `${name}: locked until pid ${process} ends`;
    const most = ttlSeconds === undefined ? "" : ` for at most ${durationText(ttlSeconds)}`;
    return `${name}: locked${most}; release it with: ${ungetText(name, server)}`;
  },
  refused: (name, refusal) =>
    refusal.around === undefined
      ? `lock "${name}": ${refusalText(refusal)}`
      : heldAroundText(name, refusal.around, { command: "get" }),
  released: (name) => `${name}: released`,
  forceReleased: (name) => `${name}: released`,
  notLocked: (name) => `${name}: was not held`,
  state: (facts) => stateLines(facts),
  look(facts) {
    const count = facts.status.waiters.length;
    return stateLine(facts) + (count === 0 ? "" : `; ${count} waiting`);
  },
};

const seed: Texts = {
  granted: (name, { info }) => messages.granted(name, info),
  refused: (name, refusal) =>
    refusal.reason === "timeout" || refusal.around !== undefined
      ? messages.timedOut(name, refusal.info)
      : plain.refused(name, refusal),
  released: messages.released,
  forceReleased: messages.forceReleased,
  notLocked: messages.extraneous,
  state: (facts) => [seed.look(facts)],
  // The seed would make a lock that is missing; there is no text for it.
  look: (facts) =>
    facts.exists || facts.locked === true
      ? messages.state(facts.name, facts.locked === true, facts.info ?? "")
      : plain.look(facts),
};

/** The texts for one command line. */
export function textsFor({ seedOrder }: { seedOrder: boolean }): Texts {
  return seedOrder ? seed : plain;
}

function crowdText(count: number, maxWaiters: number | undefined): string {
  if (maxWaiters === 0) return "--max-waiters is 0";
  // They may have gone since.
  if (count === 0) return "enough others wait already";
  return count === 1 ? "1 other waits already" : `${count} others wait already`;
}

/** As in `gave up after 1s; held by pid 22114 (aaa by ci) for 12s`. */
export function refusalText(refused: Refused): string {
  const { reason, waitedSeconds, holders, info, by, circle = [], maxWaiters } = refused;
  const names = by.map((one) => processText(one));
  switch (reason) {
    case "superseded":
      return `superseded by a newer request${names.length === 0 ? "" : `, ${names.join(", ")}`}`;
    case "crowded":
      return `not waiting, because ${crowdText(names.length, maxWaiters)}`;
    case "deadlock":
      return `gave up, because the wait would never end: it is ${behindText(circle, "this one")}`;
    default: {
      const held = holders.length === 0 ? "" : `; ${holdersText(holders, { info })}`;
      if (waitedSeconds === 0) return `not free${held}`;
      const waited =
        waitedSeconds < 9.95 ? `${Number(waitedSeconds.toFixed(1))}s` : durationText(waitedSeconds);
      return `gave up after ${waited}${held}`;
    }
  }
}
