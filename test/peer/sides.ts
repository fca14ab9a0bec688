/** The sides that share a lock, alike in what a test asks of them. */
import { ResourceLock } from "../../src/index.ts";
import { type Outcome, runToEnd } from "../support/process.ts";
import { pythonPeer, resourcelock } from "./peer-processes.ts";

interface State {
  locked: boolean;
  value: number;
  info: string;
}

export interface Side {
  title: string;
  /** Takes the lock, which stays taken; waits no longer than `timeoutSeconds`, by default not at all. */
  get(lockName: string, options?: { info?: string; timeoutSeconds?: number }): Promise<boolean>;
  /** Releases the lock, whoever has taken it. */
  unget(lockName: string): Promise<boolean>;
  state(lockName: string): Promise<State>;
}

/** A side that can also write a segment's text as it is, without a date. */
export interface WritingSide extends Side {
  setInfo(lockName: string, text: string): Promise<void>;
}

export const commandLine: Side = {
  title: "the command line",
  async get(lockName, { info = "", timeoutSeconds = 0 } = {}) {
    const words = [`--get-timeout=${timeoutSeconds}`, `--message=${info}`];
    const ended = await runToEnd(resourcelock("get", lockName, ...words));
    return isYes(ended, { yes: 0, no: 75 });
  },
  async unget(lockName) {
    return isYes(await runToEnd(resourcelock("unget", lockName)), { yes: 0, no: 1 });
  },
  async state(lockName) {
    const ended = await runToEnd(resourcelock("state", lockName, "--json"));
    isYes(ended, { yes: 0 });
    const { locked, value, info }: State = JSON.parse(ended.stdout);
    return { locked, value, info };
  },
};

export const library: WritingSide = {
  title: "the library",
  async get(lockName, { info = "", timeoutSeconds = 0 } = {}) {
    const lock = new ResourceLock(lockName);
    try {
      return lock.getLock({ timeout: timeoutSeconds, lockInfo: info });
    } finally {
      // Unlike the end of `using`, this leaves the lock held.
      lock.close();
    }
  },
  async unget(lockName) {
    using lock = new ResourceLock(lockName);
    return lock.ungetLock({ force: true });
  },
  async state(lockName) {
    using lock = new ResourceLock(lockName);
    return { locked: lock.isLocked(), value: lock.lockValue(), info: lock.getLockInfo() };
  },
  async setInfo(lockName, text) {
    using lock = new ResourceLock(lockName);
    lock.setLockInfo(text);
  },
};

export const python: WritingSide = {
  title: "Python",
  async get(lockName, { info = "", timeoutSeconds = 0 } = {}) {
    const words = [`--timeout=${timeoutSeconds}`, `--info=${info}`];
    return isYes(await runToEnd(pythonPeer(lockName, "get", ...words)), { yes: 0, no: 1 });
  },
  async unget(lockName) {
    return isYes(await runToEnd(pythonPeer(lockName, "unget", "--force")), { yes: 0, no: 1 });
  },
  async state(lockName) {
    const ended = await runToEnd(pythonPeer(lockName, "state"));
    isYes(ended, { yes: 0 });
    const { locked, value, info }: State = JSON.parse(ended.stdout);
    return { locked, value, info };
  },
  async setInfo(lockName, text) {
    isYes(await runToEnd(pythonPeer(lockName, "set-info", "--", text)), { yes: 0 });
  },
};

/** A status as an answer; any other one is a fault of the test or the side, and what it said is told. */
function isYes(ended: Outcome, statuses: { yes: number; no?: number }): boolean {
  if (ended.status === statuses.yes) return true;
  if (ended.status === statuses.no) return false;
  throw new Error(`Unexpected status ${ended.status}: ${ended.stdout}${ended.stderr}`);
}
