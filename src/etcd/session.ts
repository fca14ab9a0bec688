/**
 * A lease and what hangs on it: places in queues, and holds. Several locks that are held at once share it.
 *
 * Whoever runs something under a hold looks ten times a second whether to renew, or to stop. Until then, and for a
 * waiter, there is only the renewal: nobody is harmed, so nothing but the word that the lease is gone ends a place or a
 * hold. Then it ends all of them.
 */
import { LockServerError } from "../lock/errors.ts";
import { abortablePause } from "../lock/abortable-pause.ts";
import { defaultCallSeconds, type Gateway } from "./gateway.ts";
import { type Clock, defaultTtlSeconds, grantLease, type Lease, revokeLease } from "./lease.ts";
import { type HeldKey, renewLease } from "./renewal.ts";
import { type StopStep, stopStep, stopTimes } from "./stop-rule.ts";

/** How often a holder looks at the clock: a timer alone would be late after a suspend. */
const lookMilliseconds = 100;
/** How long one attempt of a renewal may take, over all members. */
const attemptSeconds = 1.5;
/** Between two attempts of which the first failed. */
const retryMilliseconds = 100;

/** After this a member has surely heard that a lease has ended. */
const secondLookSeconds = 1;

/** A keeper is late after so many of the intervals between two renewals: dead, stopped, or not born yet. */
const lateFactor = 1.6;

/** Where the time of the last renewal is kept, and who else may renew: a page that a keeper process shares. */
export interface RenewalTime {
  get(): number;
  /** Moves it on, never back. */
  advance(sentAt: number): void;
  /** Whether the lease is gone, as far as anybody has found out. */
  readonly isLost: boolean;
  lose(): void;
  /** Whether somebody has found keys gone since the last renewal: then the other one looks as well, without delay. */
  readonly isInDoubt: boolean;
  doubt(): void;
}

/** A renewal that nobody has confirmed. */
interface AnsweredRenewal {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly raftTerm: number;
}

/** A key that was granted a lock, by a transaction that a majority agreed on. */
export interface GrantedKey extends HeldKey {
  /** The term in which the grant was made; 0 where only its result was seen. */
  readonly raftTerm: number;
  /** When the transaction was sent. */
  readonly askedAt: number;
}

/** What a session tells those who hold under it. */
export interface SessionListener {
  /** The hold ends, or has to: see {@link StopStep}. Each step is told once. */
  onStop(step: "term" | "kill"): void;
  /**
   * The keys of holds are gone though the lease seems to be there.
   *
   * @param isSure whether they were gone at a second look too: then somebody has deleted them
   */
  onKeysGone(keys: readonly HeldKey[], isSure: boolean): void;
  /** The lease is gone, or nobody can know any more that it is there. */
  onLeaseGone(): void;
}

export class Session {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly #held = new Map<string, HeldKey>();
  readonly #listeners = new Set<SessionListener>();
  readonly #stop = new AbortController();
  #isTermTold = false;
  #time: RenewalTime;
  /** The last renewal that was answered while nothing was held: it says when to renew again, and no more. */
  #answered: AnsweredRenewal | undefined;
  #isGone = false;
  #isRunning = false;
  #stopsInTime = false;
  #patience = 1;
  /** Ends the pause between two looks. */
  #wake: (() => void) | undefined;
  #goneSince: number | undefined;

  static async open(
    gateway: Gateway,
    clock: Clock,
    options: { ttlSeconds?: number | undefined; seconds: number; signal?: AbortSignal | undefined },
  ): Promise<Session> {
    const { ttlSeconds = defaultTtlSeconds, ...limits } = options;
    return new Session(gateway, clock, await grantLease(gateway, ttlSeconds, clock, limits));
  }

  constructor(gateway: Gateway, clock: Clock, lease: Lease) {
    this.gateway = gateway;
    this.clock = clock;
    this.lease = lease;
    this.#time = new OwnTime(lease.sentAt);
  }

  /** Whether the server has said that the lease is gone, or nobody can know any more that it is there. */
  get isGone(): boolean {
    return this.#isGone || this.#time.isLost || this.#nextStep() === "kill";
  }

  get heldKeys(): readonly HeldKey[] {
    return [...this.#held.values()];
  }

  /** When the last renewal that counts was sent. */
  get renewedAt(): number {
    return this.#time.get();
  }

  get stopTimes() {
    return stopTimes(this.renewedAt, this.lease.ttlSeconds);
  }

  /**
   * Shares the time of the last renewal with another process. The keeper renews; the other one does when that is late.
   */
  shareRenewals(time: RenewalTime, { isKeeper = false } = {}): void {
    time.advance(this.renewedAt);
    this.#time = time;
    this.#patience = isKeeper ? 1 : lateFactor;
  }

  /** From now on something may run under the holds: it has to stop in time when the lease cannot be renewed. */
  stopInTime(): void {
    this.#stopsInTime = true;
    this.#wake?.();
  }

  listen(listener: SessionListener): void {
    this.#listeners.add(listener);
    if (this.#isGone) this.#tellGone(listener);
    this.#run();
  }

  unlisten(listener: SessionListener): void {
    this.#listeners.delete(listener);
  }

  /** Notes that a place holds: from now on renewals have to be confirmed. */
  hold(held: HeldKey): void {
    this.#held.set(held.key, held);
    this.#run();
  }

  unhold({ key }: HeldKey): void {
    this.#held.delete(key);
  }

  /**
   * Renews before a hold begins, unless the last renewal that counts was not long ago. The grant confirms that of its
   * own term which was answered before it was asked for.
   *
   * @returns false when the lease is gone
   */
  async ensureFresh(granted: GrantedKey, signal?: AbortSignal): Promise<boolean> {
    const answered = this.#answered;
    const isConfirmed =
      answered?.raftTerm === granted.raftTerm && answered.answeredAt <= granted.askedAt;
    if (isConfirmed) this.#time.advance(answered.sentAt);
    if (this.isGone) return false;
    if (this.clock() < this.renewedAt + this.lease.ttlSeconds / 2) return true;
    return await this.#renewUntilConfirmed([granted], signal);
  }

  /** Renews now, however long ago that was done last. @returns false when the lease is gone */
  async renewNow(): Promise<boolean> {
    return await this.#renewUntilConfirmed(this.heldKeys);
  }

  async #renewUntilConfirmed(held: readonly HeldKey[], signal?: AbortSignal): Promise<boolean> {
    const end = this.clock() + defaultCallSeconds;
    while (!this.isGone && this.clock() < end) {
      const left = this.stopTimes.killAt - this.clock();
      const limits = { signal, seconds: Math.max(left, attemptSeconds) };
      const keys = { leaseId: this.lease.id, held };
      const renewal = await renewLease(this.gateway, keys, this.clock, limits);
      if (renewal.outcome === "unconfirmed") {
        await abortablePause(retryMilliseconds, signal);
        continue;
      }
      if (renewal.outcome !== "renewed") return false;
      this.#time.advance(renewal.sentAt);
      // Unless the answer took that long.
      if (this.clock() < this.stopTimes.termAt) return true;
    }
    return false;
  }

  /** Ends the lease and all that hangs on it; at most `seconds` are spent on it. */
  async close(seconds: number): Promise<void> {
    this.stopRenewing();
    if (this.#isGone) return;
    await revokeLease(this.gateway, this.lease.id, { seconds }).catch((error: unknown) => {
      // Nobody renews it any more, so it ends by itself.
      if (!(error instanceof LockServerError)) throw error;
    });
  }

  /** Leaves the lease to itself, or to whoever else renews it. */
  stopRenewing(): void {
    this.#stop.abort();
    this.#wake?.();
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    let attempt: Promise<void> | undefined;
    while (!this.#stop.signal.aborted && !this.#isGone) {
      const step = this.#nextStep();
      if (this.#time.isLost || step === "kill") {
        this.#leaseGone();
        break;
      }
      if (step !== "nothing") attempt ??= this.#renew().finally(() => (attempt = undefined));
      if (step === "term") this.#tellTerm();
      await this.#pause(this.#held.size > 0 ? lookMilliseconds : this.#waiterPause());
    }
  }

  /** Pauses until the time has passed or there is something to look at. */
  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#wake = resolve;
    return promise.finally(() => clearTimeout(timer));
  }

  /** A waiter wakes up when it has to renew, and no sooner. */
  #waiterPause(): number {
    const left = (this.#waiterRenewsAt - this.clock()) * 1000;
    return Math.max(lookMilliseconds, Math.min(left, 5000));
  }

  get #waiterRenewsAt(): number {
    const lastAt = Math.max(this.renewedAt, this.#answered?.sentAt ?? 0);
    return stopTimes(lastAt, this.lease.ttlSeconds).renewAt;
  }

  #nextStep(): StopStep {
    const now = this.clock();
    if (this.#held.size === 0) return now >= this.#waiterRenewsAt ? "renew" : "nothing";
    const step = stopStep(now, this.renewedAt, this.lease.ttlSeconds);
    if (step === "nothing" || (step !== "renew" && this.#stopsInTime)) return step;
    if (this.#patience === 1 || this.#time.isInDoubt) return "renew";
    const dueAt = this.renewedAt + (this.stopTimes.renewAt - this.renewedAt) * this.#patience;
    return now >= dueAt ? "renew" : "nothing";
  }

  async #renew(): Promise<void> {
    const signal = this.#stop.signal;
    const held = this.heldKeys;
    try {
      const limits = { signal, seconds: attemptSeconds, attemptSeconds };
      const renewal = await renewLease(
        this.gateway,
        { leaseId: this.lease.id, held },
        this.clock,
        limits,
      );
      if (signal.aborted) return;
      if (renewal.outcome === "renewed") {
        this.#time.advance(renewal.sentAt);
        this.#isTermTold = false;
        this.#goneSince = undefined;
      } else if (renewal.outcome === "answered") {
        this.#answered = { ...renewal, answeredAt: this.clock() };
        this.#goneSince = undefined;
      } else if (renewal.outcome === "lease-gone") {
        // Nothing else tells of a waiter's lease, and a leader that is new may not have heard of it yet.
        if (held.length > 0 || this.#isSecondLook()) this.#leaseGone();
      } else if (renewal.outcome === "keys-gone") {
        this.#noteKeysGone(renewal.keys.filter(({ key }) => this.#held.has(key)));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LockServerError)) throw error;
      await Bun.sleep(retryMilliseconds);
    }
  }

  /**
   * Keys can be gone because the lease ended and a member that has not heard of it still renews it. A second look, when
   * that has passed, tells this from a deletion by hand.
   */
  #noteKeysGone(keys: readonly HeldKey[]): void {
    if (keys.length === 0) return;
    this.#time.doubt();
    const isSure = this.#isSecondLook();
    for (const each of this.#listeners) each.onKeysGone(keys, isSure);
  }

  /** Whether what seems to be gone has seemed so for a while. */
  #isSecondLook(): boolean {
    this.#goneSince ??= this.clock();
    return this.clock() - this.#goneSince >= secondLookSeconds;
  }

  /** Ends all that hangs on the lease: others may have begun already. */
  #leaseGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#time.lose();
    for (const each of this.#listeners) this.#tellGone(each);
  }

  #tellGone(listener: SessionListener): void {
    listener.onLeaseGone();
    if (this.#held.size > 0) listener.onStop("kill");
  }

  /** Once, unless a renewal comes in between. */
  #tellTerm(): void {
    if (this.#isTermTold) return;
    this.#isTermTold = true;
    for (const each of this.#listeners) each.onStop("term");
  }
}

/** The time of the last renewal where nobody else renews. */
class OwnTime implements RenewalTime {
  #renewedAt: number;
  #isLost = false;

  constructor(start: number) {
    this.#renewedAt = start;
  }

  get(): number {
    return this.#renewedAt;
  }

  advance(sentAt: number): void {
    this.#renewedAt = Math.max(this.#renewedAt, sentAt);
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  lose(): void {
    this.#isLost = true;
  }

  /** There is nobody else to look. */
  readonly isInDoubt = false;
  doubt(): void {}
}
