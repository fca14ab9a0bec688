/**
 * The engine of many hosts: locks in an etcd cluster, the same ones as `etcdctl lock NAME`.
 *
 * Locks that are held at once share a lease, so that they are lost together or not at all.
 */
import type {
  AcquireRequest,
  ForcedRelease,
  ForceReleaseOptions,
  Grant,
  LockEngine,
  LookLimits,
  Refusal,
  WatchOptions,
} from "../lock/engine.ts";
import { LockLostError } from "../lock/errors.ts";
import { heldVariable, readHeldClaims } from "../lock/held-claims.ts";
import type { Circle } from "../lock/circle.ts";
import type { GrantRecord, HolderStatus, LockState } from "../lock/status.ts";
import { abortablePause } from "../lock/abortable-pause.ts";
import { circleFinder } from "./circle-finder.ts";
import { type Environment, credentialsFrom, tlsFrom } from "./credentials.ts";
import { type Entry, holderOf, tokenOf } from "./entry.ts";
import { type CallLimits, defaultCallSeconds, Gateway } from "./gateway.ts";
import { grantRecordOf, presentRecord, readHistory } from "./history.ts";
import { Hold } from "./hold.ts";
import { requireInfoFits } from "./info.ts";
import { infoKeys, parseServerLockName, queuePrefix } from "./keys.ts";
import type { Keeper } from "./keeper.ts";
import type { KeptLock } from "./keeper-job.ts";
import { type Clock, revokeLease } from "./lease.ts";
import {
  type LockLook,
  lockNames,
  lockStateOf,
  lookAt,
  mapInParallel,
  viewedState,
} from "./lock-state.ts";
import { type GrantedPlace, type Label, Place } from "./place.ts";
import { isPlaceGone, lostPlacePauseMilliseconds, PlaceGone } from "./lost-place.ts";
import { QueueWatch } from "./queue-watch.ts";
import { removePlace } from "./release.ts";
import { operation, transaction } from "./requests.ts";
import { parseServerList } from "./server-list.ts";
import type { Session } from "./session.ts";
import { SessionPool } from "./session-pool.ts";
import { currentUser, hostName } from "./this-process.ts";
import { isAround, isOfProcess, processIdentity } from "./whose.ts";

export interface EtcdEngineOptions {
  /** The members of the cluster: `URL[,URL...]`. */
  readonly servers: string;
  /** Where user, password and certificates come from. */
  readonly environment: Environment;
  readonly ttlSeconds?: number | undefined;
  /** Says something to the user that is no error. */
  readonly warn?: (text: string) => void;
  /** Seconds of CLOCK_BOOTTIME. */
  readonly clock: Clock;
  /** What keeps a hold while this process cannot; without it only this process does. */
  readonly keeper?: Keeper | undefined;
  /**
   * Whether the process ends when it has released its locks: then leases that nothing hangs on end by themselves, as those
   * of `etcdctl lock` do, and the end of the process does not wait for another request. @default false
   */
  readonly isShortLived?: boolean | undefined;
}

/** Who only looks has no lease, whose renewals would tell that a member hangs. */
const lookerMaxSilenceSeconds = 15;

export class EtcdEngine implements LockEngine {
  readonly unsupported = new Set(["access", "adopt"] as const);
  readonly isLeased = true;
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #environment: Environment;
  readonly #warn: (text: string) => void;
  readonly #keeper: Keeper | undefined;
  readonly #sessions: SessionPool;
  readonly #holds = new Map<Hold, Session>();
  #label: Omit<Label, "message"> | undefined;

  /** @throws {LockServerError} for a list of servers, or for settings, that cannot be used */
  constructor({
    servers,
    environment,
    ttlSeconds,
    warn = () => {},
    clock,
    keeper,
    isShortLived = false,
  }: EtcdEngineOptions) {
    this.#gateway = new Gateway({
      endpoints: parseServerList(servers),
      tls: tlsFrom(environment),
      credentials: credentialsFrom(environment),
    });
    this.#clock = clock;
    this.#environment = environment;
    this.#warn = warn;
    this.#keeper = keeper;
    this.#sessions = new SessionPool({
      gateway: this.#gateway,
      clock,
      ttlSeconds,
      isShortLived,
      stopKeeper: (options) => keeper?.stop(options) === true,
    });
  }

  prepareDescriptors(): void {
    this.#keeper?.prepare();
  }

  async acquire(lockName: string, request: AcquireRequest): Promise<Grant | Refusal> {
    const name = parseServerLockName(lockName);
    requireInfoFits(request.message);
    const deadline = this.#clock() + request.timeoutSeconds;
    let seen: LockState | undefined;
    for (let lostPlaces = 0; ; lostPlaces++) {
      const isOnce = request.timeoutSeconds === 0;
      if (lostPlaces > 0) {
        const milliseconds = lostPlacePauseMilliseconds(lostPlaces);
        const leftMilliseconds = isOnce ? Infinity : (deadline - this.#clock()) * 1000;
        await abortablePause(Math.min(milliseconds, leftMilliseconds), request.signal);
        request.signal?.throwIfAborted();
        // A timer may end a moment early: a request in the last of the time would fail, not lapse.
        if (leftMilliseconds <= milliseconds) return timeout(name, seen);
      }
      const left = isOnce ? 0 : Math.max(0.001, deadline - this.#clock());
      const opening = this.#sessions.sessionFor(name, left, request.signal);
      // While the server is at it.
      this.#ownLabel();
      const session = await opening;
      const place = this.#placeIn(
        session,
        name,
        { ...request, timeoutSeconds: left },
        lostPlaces > 0,
      );
      let hold: Hold | undefined;
      try {
        const granted = await place.acquire();
        if (granted === undefined) {
          return { granted: false, name, ...place.refusal, seen: viewedState(name, place.view) };
        }
        // The wait may have used up the time in which the lease is known to be there.
        if (!(await session.ensureFresh(granted, request.signal))) {
          throw new PlaceGone("the lease ended at the grant");
        }
        hold = this.#holdOf(session, name, granted, request);
        return hold;
      } catch (error) {
        if (!isPlaceGone(error)) throw error;
        // Locks that are held under the same lease are gone with it.
        if (session.heldKeys.length > 0) throw new LockLostError(name, { reason: "expired" });
        seen = viewedState(name, place.view);
        this.#warn(
          `lost its place in the queue for lock "${name}": ${error.message}; waiting again, at its end`,
        );
      } finally {
        if (hold === undefined) await this.#sessions.abandon(session, name, place);
      }
    }
  }

  #placeIn(session: Session, name: string, request: AcquireRequest, isAnotherTry: boolean): Place {
    const { kind = "exclusive", message } = request;
    const label = { ...this.#ownLabel(), message };
    const arrival = { ...request, isAnotherTry };
    const held = [...this.#holds.keys()].map((hold) => hold.name);
    const claims = claimsIn(this.#environment, name);
    return new Place(session, name, {
      ...request,
      kind,
      label,
      arrival,
      // A key of this process itself, left behind by an earlier request, will be gone.
      findAround: (holders) =>
        this.#aroundAmong(
          holders.filter(({ value }) => value?.process !== label.process),
          claims,
        ),
      findCircle: circleFinder(name, held, {
        gateway: this.#gateway,
        environment: this.#environment,
        inspect: (other) => this.inspect(other),
        clock: this.#clock,
      }),
    });
  }

  #holdOf(session: Session, name: string, place: GrantedPlace, request: AcquireRequest): Hold {
    const { kind } = request;
    const keeper = this.#keeper;
    const hold = new Hold(name, place, {
      session,
      slotNames: typeof kind === "object" ? kind.names : undefined,
      replace: request.replace ?? false,
      warn: this.#warn,
      childDescriptor: (lowest) =>
        keeper?.childDescriptor(session, () => this.#keptLocks(session), lowest),
      stops: keeper?.stops ?? true,
      killAll: () => keeper?.killAll(),
      bindTo: async (bound, lease, processId) => {
        if (keeper === undefined) {
          throw new TypeError("Cannot bind a lock to a process: this engine has no keeper");
        }
        await keeper.bindTo(session, bound, lease, processId);
      },
      onEnd: async (ended, stray) => {
        this.#holds.delete(ended);
        await this.#sessions.letGo(session, name, stray);
      },
    });
    this.#holds.set(hold, session);
    return hold;
  }

  #keptLocks(session: Session): KeptLock[] {
    const locks: KeptLock[] = [];
    for (const [hold, heldUnder] of this.#holds) {
      if (heldUnder === session) locks.push(hold.kept);
    }
    return locks;
  }

  #ownLabel(): Omit<Label, "message"> {
    this.#label ??= {
      host: hostName(),
      user: currentUser(),
      pid: process.pid,
      process: processIdentity(process.pid),
    };
    return this.#label;
  }

  async inspect(lockName: string, limits: LookLimits = {}): Promise<LockState | undefined> {
    const name = parseServerLockName(lockName);
    return lockStateOf(name, await lookAt(this.#gateway, name, callLimits(limits)));
  }

  async *watch(
    lockName: string,
    { everySeconds, signal, endsWithServer = false }: WatchOptions,
  ): AsyncGenerator<LockState | undefined> {
    const name = parseServerLockName(lockName);
    // A server that was there once is waited for.
    const laterSeconds = endsWithServer ? defaultCallSeconds : Infinity;
    try {
      for (let seconds = defaultCallSeconds; !signal.aborted; seconds = laterSeconds) {
        const look = await lookAt(this.#gateway, name, { seconds, signal });
        yield* this.#untilChanged(name, look, { everySeconds, signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async *#untilChanged(
    name: string,
    look: LockLook,
    { everySeconds, signal }: WatchOptions,
  ): AsyncGenerator<LockState | undefined> {
    const keys = { prefix: queuePrefix(name) };
    const watch = new QueueWatch(this.#gateway, keys, look.view, {
      signal,
      maxSilenceSeconds: lookerMaxSilenceSeconds,
    });
    try {
      do yield lockStateOf(name, look);
      while ((await watch.next(everySeconds)) === "timeout");
    } finally {
      watch.close();
    }
  }

  async list({ onlyStale = false } = {}): Promise<LockState[]> {
    // A holder that died leaves nothing behind but its lease, which ends by itself.
    if (onlyStale) return [];
    const names = await lockNames(this.#gateway);
    const states = await mapInParallel(names, async (name) =>
      lockStateOf(name, await lookAt(this.#gateway, name)),
    );
    return states.filter((state) => state !== undefined);
  }

  async deadlocks(): Promise<Circle[]> {
    return await (await import("./deadlock.ts")).circlesOnServer(this.#gateway);
  }

  async history(
    lockName: string,
    { max }: { readonly max?: number | undefined } = {},
  ): Promise<GrantRecord[] | undefined> {
    const name = parseServerLockName(lockName);
    const look = await lookAt(this.#gateway, name);
    if (lockStateOf(name, look) === undefined) return undefined;
    const ended = (await readHistory(this.#gateway, name, { max })).map(grantRecordOf);
    const present = look.view.entries.flatMap((entry) => presentRecord(entry) ?? []);
    return [...ended, ...present].toSorted(
      (one, other) => (one.granted ?? one.queued) - (other.granted ?? other.queued),
    );
  }

  async holdAround(
    lockName: string,
    claims: readonly string[],
    limits: LookLimits = {},
  ): Promise<HolderStatus | undefined> {
    const name = parseServerLockName(lockName);
    const { view } = await lookAt(this.#gateway, name, callLimits(limits));
    return this.#aroundAmong(view.holders, claims);
  }

  #aroundAmong(holders: readonly Entry[], claims: readonly string[]): HolderStatus | undefined {
    const around = holders.find((entry) => isAround(entry, claims, this.#gateway.clusterId));
    return around && holderOf(around);
  }

  async forceRelease(lockName: string, options: ForceReleaseOptions): Promise<ForcedRelease> {
    const name = parseServerLockName(lockName);
    const look = await lookAt(this.#gateway, name);
    if (lockStateOf(name, look) === undefined) return { outcome: "missing", holders: [] };
    const { holders } = look.view;
    if (holders.length === 0) return { outcome: "free", holders: [] };
    const meant = holders.filter((entry) => this.#isMeant(entry, options));
    if (meant.length === 0) return { outcome: "not-meant", holders: holders.map(holderOf) };
    const lost: Entry[] = [];
    for (const entry of meant) if (await this.#force(name, entry, options.by)) lost.push(entry);
    // Those that released it themselves in the meantime have not lost it.
    return { outcome: lost.length === 0 ? "free" : "released", holders: lost.map(holderOf) };
  }

  #isMeant(entry: Entry, { onlyToken, onlyOwnerPid }: ForceReleaseOptions): boolean {
    const { value } = entry;
    if (onlyToken !== undefined && (value === undefined || tokenOf(entry) !== onlyToken)) {
      return false;
    }
    if (onlyOwnerPid === undefined) return true;
    return isOfProcess(entry, onlyOwnerPid);
  }

  /** @returns whether this call has taken the lock from that place, as far as anybody can tell */
  async #force(name: string, entry: Entry, by: string): Promise<boolean> {
    const { value, lease } = entry;
    const ending = { token: tokenOf(entry), ending: "forced", by } as const;
    const { message, mayBeRepeated } = await removePlace(this.#gateway, { name, ...entry }, ending);
    // The lease of a hold without a process is its own; others may hold more locks.
    if (value?.attachment !== undefined && lease !== "0") await revokeLease(this.#gateway, lease);
    return message["succeeded"] === true || mayBeRepeated;
  }

  async writeInfo(lockName: string, text: string): Promise<boolean> {
    const name = parseServerLockName(lockName);
    requireInfoFits(text);
    if ((await this.inspect(name)) === undefined) return false;
    const put = operation.put(infoKeys.of(name), text, "0");
    await this.#gateway.call("kv/txn", transaction({ compare: [], success: [put] }));
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#keeper?.stop();
    await this.#sessions.close();
  }
}

function timeout(name: string, seen: LockState | undefined): Refusal {
  return { granted: false, name, reason: "timeout", by: [], seen };
}

function callLimits({ seconds = defaultCallSeconds, signal }: LookLimits): CallLimits {
  return { seconds: Math.max(0.001, Math.min(seconds, defaultCallSeconds)), signal };
}

/** What the environment claims to be held of a lock. */
function claimsIn(environment: Environment, lockName: string): string[] {
  const claims = readHeldClaims(environment[heldVariable] ?? "");
  return claims.filter(({ name }) => name === lockName).map(({ claim }) => claim);
}
