/** A lock engine in memory: the contract without processes, files or servers. */
import type {
  AcquireRequest,
  ForcedRelease,
  ForceReleaseOptions,
  Grant,
  LockEngine,
  Refusal,
  WatchOptions,
} from "../../src/lock/engine.ts";
import { type LockLoss, LockLostError } from "../../src/lock/errors.ts";
import { type Circle, WaitGraph } from "../../src/lock/circle.ts";
import { nearestBlocker } from "../../src/lock/kinds.ts";
import { parseLockName } from "../../src/lock/name.ts";
import type {
  GrantRecord,
  HolderStatus,
  LockState,
  ParticipantStatus,
} from "../../src/lock/status.ts";

/** A request in the queue of a lock, and later its hold. */
interface Entry {
  readonly request: AcquireRequest;
  readonly record: { -readonly [Key in keyof GrantRecord]: GrantRecord[Key] };
  readonly lost: AbortController;
  readonly slots: number;
  /** Ends the wait; undefined once it has ended. */
  settle: ((answer: "granted" | Refusal) => void) | undefined;
  attachment: "attached" | "detached" | "bound";
  owner: number | null;
}

interface Lock {
  readonly name: string;
  entries: Entry[];
  readonly history: GrantRecord[];
  info: string;
  grants: number;
  /** Called at the next change. */
  watchers: (() => void)[];
}

/** The pid that all participants have. */
const memoryPid = 4242;

export class MemoryEngine implements LockEngine {
  readonly unsupported = new Set<never>();
  readonly isLeased = false;
  readonly #locks = new Map<string, Lock>();
  #token = 0;

  async acquire(lockName: string, request: AcquireRequest): Promise<Grant | Refusal> {
    request.signal?.throwIfAborted();
    const lock = this.#lockOf(parseLockName(lockName));
    const refuse = (reason: Refusal["reason"], by: readonly ParticipantStatus[] = []): Refusal => ({
      granted: false,
      name: lock.name,
      reason,
      by,
    });
    const waiting = lock.entries.filter(({ settle }) => settle !== undefined);
    if (waiting.length >= (request.maxWaiters ?? Infinity)) return refuse("crowded");
    const entry = newEntry(request);
    lock.entries.push(entry);
    if (request.newest === true || request.replace === true) {
      for (const other of waiting.filter(
        (each) => each.request.newest === true || each.request.replace === true,
      )) {
        this.#leave(lock, other, "lapsed");
        other.settle?.(refuse("superseded", [participantOf(entry)]));
      }
      for (const holder of lock.entries.filter(
        (each) => each.settle === undefined && each !== entry,
      )) {
        if (request.replace === true && holder.request.replace === true) {
          abort(lock.name, holder, { reason: "replaced", by: request.message });
        }
      }
    }
    const answer = await this.#wait(lock, entry, refuse);
    return answer === "granted" ? this.#grantOf(lock, entry) : answer;
  }

  #wait(
    lock: Lock,
    entry: Entry,
    refuse: (reason: Refusal["reason"]) => Refusal,
  ): Promise<"granted" | Refusal> {
    const { timeoutSeconds, signal, onWait } = entry.request;
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const end = () => {
        entry.settle = undefined;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        end();
        this.#leave(lock, entry, "lapsed");
        reject(signal?.reason);
      };
      entry.settle = (answer) => {
        end();
        resolve(answer);
      };
      this.#serve(lock);
      if (entry.settle === undefined) return;
      const lapse = () => {
        this.#leave(lock, entry, "lapsed");
        entry.settle?.(refuse("timeout"));
      };
      if (timeoutSeconds === 0) {
        lapse();
        return;
      }
      if (timeoutSeconds !== Infinity) timer = setTimeout(lapse, timeoutSeconds * 1000);
      signal?.addEventListener("abort", onAbort, { once: true });
      onWait?.(0, () => {
        const { holders, waiters, info } = stateOf(lock);
        const place = lock.entries.filter((each) => each.settle !== undefined).indexOf(entry) + 1;
        return { place, waiting: waiters.length, holders, info: info ?? "" };
      });
    });
  }

  /** Grants what can be granted, in the order of the queue. */
  #serve(lock: Lock): void {
    lock.entries.forEach((entry, index) => {
      if (entry.settle === undefined) return;
      const before = lock.entries.slice(0, index);
      const own = { kind: entry.record.kind, slots: entry.slots };
      const queue = before.map(({ record, slots }) => ({ kind: record.kind, slots }));
      if (nearestBlocker(own, queue) !== -1) return;
      const used = new Set(
        before.filter(({ settle }) => settle === undefined).map(({ record }) => record.slot),
      );
      if (entry.record.kind === "slots") {
        entry.record.slot = 0;
        while (used.has(entry.record.slot)) entry.record.slot += 1;
      }
      entry.record.token = this.#token += 1;
      entry.record.granted = Date.now() / 1000;
      entry.record.ending = "held";
      lock.info = entry.request.message;
      lock.grants += 1;
      entry.settle("granted");
    });
    for (const watcher of lock.watchers.splice(0)) watcher();
  }

  #leave(lock: Lock, entry: Entry, ending: GrantRecord["ending"], exitStatus?: number): boolean {
    const index = lock.entries.indexOf(entry);
    if (index === -1) return false;
    lock.entries.splice(index, 1);
    entry.record.ending = ending;
    entry.record.ended = Date.now() / 1000;
    if (exitStatus !== undefined) entry.record.exitStatus = exitStatus;
    lock.history.push(entry.record);
    this.#serve(lock);
    return true;
  }

  #grantOf(lock: Lock, entry: Entry): Grant {
    const { request, record, lost } = entry;
    const names = typeof request.kind === "object" ? request.kind.names : undefined;
    const lossOf = (): LockLostError | undefined => lost.signal.reason;
    const release: Grant["release"] = async ({ exitStatus } = {}) => {
      this.#leave(lock, entry, "released", exitStatus);
      return record.ending === "released" ? undefined : lossOf();
    };
    return {
      granted: true,
      name: lock.name,
      token: record.token ?? 0,
      slot: record.slot,
      slotName: record.slot === null ? null : (names?.[record.slot] ?? null),
      info: request.message,
      adoptedFrom: undefined,
      watchLoss: () => lost.signal,
      findLoss: () => (lost.signal.aborted ? lost.signal.reason : undefined),
      childDescriptor: () => undefined,
      detach: async ({ process: owner } = {}) => {
        if (!lock.entries.includes(entry)) return false;
        entry.attachment = owner === undefined ? "detached" : "bound";
        entry.owner = owner ?? null;
        return true;
      },
      release,
      async [Symbol.asyncDispose]() {
        await release();
      },
    };
  }

  async inspect(lockName: string): Promise<LockState | undefined> {
    const lock = this.#locks.get(parseLockName(lockName));
    return lock && stateOf(lock);
  }

  async *watch(
    lockName: string,
    { everySeconds, signal }: WatchOptions,
  ): AsyncGenerator<LockState | undefined> {
    const lock = this.#lockOf(parseLockName(lockName));
    for (;;) {
      yield stateOf(lock);
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        lock.watchers.push(resolve);
        if (everySeconds !== Infinity) setTimeout(resolve, everySeconds * 1000);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  async deadlocks(seen?: readonly LockState[]): Promise<Circle[]> {
    const locks = seen ?? (await this.list());
    return new WaitGraph(locks, ({ pid }) => (pid === null ? [] : [pid])).circles();
  }

  async list(): Promise<LockState[]> {
    return [...this.#locks.values()].map(stateOf);
  }

  async history(lockName: string): Promise<GrantRecord[] | undefined> {
    return this.#locks.get(parseLockName(lockName))?.history;
  }

  async holdAround(lockName: string, claims: readonly string[]): Promise<HolderStatus | undefined> {
    const state = await this.inspect(lockName);
    return state?.holders.find(({ token }) => claims.includes(String(token)));
  }

  async forceRelease(
    lockName: string,
    { by, onlyToken, onlyOwnerPid }: ForceReleaseOptions,
  ): Promise<ForcedRelease> {
    const lock = this.#locks.get(parseLockName(lockName));
    if (lock === undefined) return { outcome: "missing", holders: [] };
    const held = lock.entries.filter(({ settle }) => settle === undefined);
    if (held.length === 0) return { outcome: "free", holders: [] };
    const meant = held.filter(
      ({ record, owner }) =>
        (onlyToken === undefined || record.token === onlyToken) &&
        (onlyOwnerPid === undefined || (owner ?? record.pid) === onlyOwnerPid),
    );
    if (meant.length === 0) return { outcome: "not-meant", holders: held.map(holderOf) };
    const holders = meant.map(holderOf);
    for (const entry of meant) {
      this.#leave(lock, entry, "forced");
      abort(lock.name, entry, { reason: "forced", by });
    }
    return { outcome: "released", holders };
  }

  async writeInfo(lockName: string, text: string): Promise<boolean> {
    const lock = this.#locks.get(parseLockName(lockName));
    if (lock !== undefined) lock.info = text;
    return lock !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#locks.clear();
  }

  #lockOf(name: string): Lock {
    let lock = this.#locks.get(name);
    if (lock === undefined) {
      lock = { name, entries: [], history: [], info: "", grants: 0, watchers: [] };
      this.#locks.set(name, lock);
    }
    return lock;
  }
}

function newEntry(request: AcquireRequest): Entry {
  const kind = request.kind ?? "exclusive";
  return {
    request,
    record: {
      pid: memoryPid,
      command: request.message,
      kind: typeof kind === "object" ? "slots" : kind,
      slot: null,
      token: null,
      queued: Date.now() / 1000,
      granted: null,
      ended: null,
      ending: "waiting",
    },
    lost: new AbortController(),
    slots: typeof kind === "object" ? kind.slots : 0,
    settle: undefined,
    attachment: "attached",
    owner: null,
  };
}

function abort(lockName: string, entry: Entry, loss: LockLoss): void {
  entry.lost.abort(new LockLostError(lockName, loss));
}

function stateOf(lock: Lock): LockState {
  const holders = lock.entries.filter(({ settle }) => settle === undefined).map(holderOf);
  const waiters = lock.entries.filter(({ settle }) => settle !== undefined).map(participantOf);
  const locked = holders.length > 0;
  return {
    name: lock.name,
    state: locked ? "held" : "free",
    exists: true,
    locked,
    value: null,
    info: lock.info,
    userId: null,
    holders,
    waiters,
    grants: lock.grants,
    recoveries: 0,
  };
}

function participantOf({ record }: Entry): ParticipantStatus {
  const { pid, command, kind } = record;
  return { pid, command, kind, since: record.granted ?? record.queued };
}

function holderOf(entry: Entry): HolderStatus {
  const { attachment, owner, record, slots } = entry;
  return {
    ...participantOf(entry),
    pid: attachment === "attached" ? record.pid : owner,
    attachment,
    token: record.token,
    slot: record.slot,
    slots: record.kind === "slots" ? slots : null,
  };
}
