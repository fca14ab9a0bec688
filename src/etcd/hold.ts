/** A lock that is held on a server: how it is released, left, or lost. */
import type { Grant, ReleaseOptions } from "../lock/engine.ts";
import { type LockLoss, LockLostError, LockServerError } from "../lock/errors.ts";
import { type EntryValue, formatEntry, participantOf } from "./entry.ts";
import { readHistory } from "./history.ts";
import { formatGrantInfo } from "./info.ts";
import { defaultCallSeconds, type Reply } from "./gateway.ts";
import type { KeptLock } from "./keeper-job.ts";
import { endlessTtlSeconds, grantLease, keepLeaseAlive, type Lease, revokeLease } from "./lease.ts";
import type { GrantedPlace } from "./place.ts";
import { removePlace } from "./release.ts";
import type { HeldKey } from "./renewal.ts";
import { untilReplaced } from "./replacement.ts";
import { compare, operation, transaction } from "./requests.ts";
import type { Session, SessionListener } from "./session.ts";
import { claimOf, processIdentity } from "./whose.ts";

/** What the engine gives to a hold. */
export interface HoldContext {
  readonly session: Session;
  readonly slotNames: readonly string[] | undefined;
  /** Whether it leaves the lock to a newer request. */
  readonly replace: boolean;
  /** Says something to the user that is no error. */
  readonly warn: (text: string) => void;
  /** Opens a descriptor for a command; undefined where there are none. */
  readonly childDescriptor: (lowest: number) => number | undefined;
  /** Whether what runs under the lock is stopped when the lease cannot be kept. */
  readonly stops: boolean;
  /** Kills all that still runs under the lock. */
  readonly killAll: () => void;
  /** Starts a process that keeps the hold as long as another one lives. */
  readonly bindTo: (hold: Hold, lease: Lease, processId: number) => Promise<void>;
  /**
   * Called once, when the hold is no longer this one's.
   *
   * @param stray its key, where that may still be there or come back
   */
  readonly onEnd: (hold: Hold, stray: GrantedPlace | undefined) => Promise<void>;
}

/** The least time that a release is tried for. */
const minReleaseSeconds = 0.5;

export class Hold implements Grant, SessionListener {
  readonly granted = true;
  readonly name: string;
  readonly adoptedFrom = undefined;
  readonly #context: HoldContext;
  readonly #lost = new AbortController();
  #loss: LockLostError | undefined;
  #place: GrantedPlace;
  #hasEnded = false;
  /** Whether the server may not have heard of the release. */
  #mayRemain = false;
  /** Ends the watch for a newer request; undefined before it begins. */
  #replacement: AbortController | undefined;

  constructor(name: string, place: GrantedPlace, context: HoldContext) {
    this.name = name;
    this.#place = place;
    this.#context = context;
    context.session.hold(place);
    context.session.listen(this);
  }

  /** What a keeper has to know to release it. */
  get kept(): KeptLock {
    const { key, createRevision, token, value } = this.#place;
    return { name: this.name, key, createRevision, token, value };
  }

  get token(): number {
    return this.#place.token;
  }

  get slot(): number | null {
    return this.#place.value.slot ?? null;
  }

  get slotName(): string | null {
    return this.slot === null ? null : (this.#context.slotNames?.[this.slot] ?? null);
  }

  get claim(): string {
    return claimOf(this.token, this.#context.session.gateway.clusterId);
  }

  /** As `etcdctl lock` sets them for its command. */
  get variables(): Record<string, string> {
    return { ETCD_LOCK_KEY: this.#place.key, ETCD_LOCK_REV: String(this.token) };
  }

  get info(): string {
    return formatGrantInfo(this.#place.value);
  }

  watchLoss(): AbortSignal {
    this.#watchForNewer();
    const { stops, session } = this.#context;
    if (stops && !this.#hasEnded) session.stopInTime();
    return this.#lost.signal;
  }

  #watchForNewer(): void {
    if (!this.#context.replace || this.#replacement !== undefined) return;
    this.#replacement = new AbortController();
    void this.#awaitReplacement(this.#replacement.signal);
  }

  async #awaitReplacement(signal: AbortSignal): Promise<void> {
    const { gateway } = this.#context.session;
    const newer = await untilReplaced(gateway, this.name, this.#place.key, signal);
    if (newer === undefined || this.#hasEnded) return;
    const { pid, command, host } = participantOf(newer);
    const label = command === "" ? "" : ` (${command})`;
    const by = `pid ${pid} on ${host}${label}`;
    this.#lose({ reason: "replaced", by, newer: participantOf(newer) });
  }

  childDescriptor(lowest: number): number | undefined {
    return this.#context.childDescriptor(lowest);
  }

  onStop(step: "term" | "kill"): void {
    this.#lose({ reason: "expired", killBySeconds: this.#context.session.stopTimes.killAt });
    if (step === "kill") this.#context.killAll();
  }

  onLeaseGone(): void {
    this.#lose({ reason: "expired", killBySeconds: this.#context.session.clock() });
  }

  onKeysGone(keys: readonly HeldKey[], isSure: boolean): void {
    if (keys.some(({ key }) => key === this.#place.key)) void this.#noteKeyGone(isSure);
  }

  /** A hold that was forced away goes on without its lock; one whose lease may have ended does not. */
  async #noteKeyGone(isSure: boolean): Promise<void> {
    const record = await this.#recordOfEnd();
    if (this.#hasEnded || (record?.ending !== "forced" && !isSure)) return;
    this.#context.session.unhold(this.#place);
    this.#lose({ reason: "forced", by: record?.by });
  }

  async release(options: ReleaseOptions = {}): Promise<LockLostError | undefined> {
    if (this.#hasEnded) return this.#loss;
    this.#hasEnded = true;
    const { session } = this.#context;
    session.unlisten(this);
    this.#replacement?.abort();
    // What a command that was stopped in time has left running must not outlive the lease either.
    if (this.#loss?.loss.reason === "expired") this.#context.killAll();
    try {
      if (session.isGone) return this.#lose({ reason: "expired" });
      return await this.#deleteKey(options);
    } finally {
      session.unhold(this.#place);
      const isStray = this.#mayRemain || this.#place.mayReturn;
      await this.#context.onEnd(this, isStray ? this.#place : undefined);
    }
  }

  async detach(
    until: { process?: number | undefined; seconds?: number | undefined } = {},
  ): Promise<boolean> {
    if (this.#loss !== undefined || this.#hasEnded) return false;
    const { session } = this.#context;
    const { gateway, clock } = session;
    const isBound = until.process !== undefined;
    const ttlSeconds = isBound
      ? session.lease.ttlSeconds
      : Math.ceil(until.seconds ?? endlessTtlSeconds);
    const lease = await grantLease(gateway, ttlSeconds, clock, { seconds: this.#secondsToRelease });
    const value: EntryValue = {
      ...this.#place.value,
      token: this.token,
      attachment: isBound ? "bound" : "detached",
      ...(until.process === undefined
        ? {}
        : { owner: until.process, ownerProcess: processIdentity(until.process) }),
    };
    const { key, createRevision } = this.#place;
    const request = transaction({
      compare: [compare.wasCreatedAt(key, createRevision)],
      // The key keeps its place in the queue, and hangs on the other lease from now on.
      success: [operation.put(key, formatEntry(value), lease.id)],
    });
    const limits = { seconds: this.#secondsToRelease };
    const { message } = await gateway.call("kv/txn", request, limits).catch((error: unknown) => {
      throw this.#errorOfDetach(error);
    });
    if (message["succeeded"] !== true) {
      // Nothing hangs on it, and it may be one that never ends.
      await revokeLease(gateway, lease.id, { seconds: minReleaseSeconds }).catch(ignoreServer);
      return false;
    }
    this.#place = { ...this.#place, value };
    if (until.process !== undefined) await this.#context.bindTo(this, lease, until.process);
    this.#hasEnded = true;
    session.unlisten(this);
    session.unhold(this.#place);
    await this.#context.onEnd(this, this.#place.mayReturn ? this.#place : undefined);
    return true;
  }

  /** A server that does not answer may have left it held, for as long as it was asked to. */
  #errorOfDetach(error: unknown): unknown {
    if (!(error instanceof LockServerError) || !error.wasSent) return error;
    const way = `resourcelock unget ${this.name} --token ${this.token}`;
    return new LockServerError(
      error.fault,
      `Cannot tell whether lock "${this.name}" stays held (if it does, "${way}" frees it): ${error.message}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  findLoss(): LockLostError | undefined {
    this.#watchForNewer();
    return this.#loss;
  }

  /** Who was asked to leave may stay until the command has ended, but no longer than the lease lasts. */
  #lose(loss: LockLoss): LockLostError {
    const isWorse = this.#loss?.loss.reason === "replaced" && loss.reason === "expired";
    if (this.#loss === undefined || isWorse) this.#loss = new LockLostError(this.name, loss);
    this.#lost.abort(this.#loss);
    return this.#loss;
  }

  get #secondsToRelease(): number {
    const { session } = this.#context;
    return Math.max(minReleaseSeconds, session.stopTimes.killAt - session.clock());
  }

  async #deleteKey({ exitStatus, signal }: ReleaseOptions): Promise<LockLostError | undefined> {
    const { gateway } = this.#context.session;
    try {
      const known = this.#loss;
      const isReplaced = known?.loss.reason === "replaced";
      const outcome = isReplaced ? "replaced" : "released";
      const ending = {
        token: this.token,
        ending: outcome,
        by: known?.loss.by,
        exitStatus,
      } as const;
      const limits = { seconds: this.#secondsToRelease, signal };
      const reply = await removePlace(gateway, this.kept, ending, limits);
      // What runs under it may have been stopped, though the server is back in time.
      if (reply.message["succeeded"] === true) return this.#loss;
      return await this.#whyGone(reply);
    } catch (error) {
      const isGivenUp = signal?.aborted === true;
      if (!isGivenUp && !(error instanceof LockServerError)) throw error;
      this.#mayRemain = true;
      const loss = this.#loss;
      if (loss !== undefined) return loss;
      const { session } = this.#context;
      if (session.clock() >= session.stopTimes.killAt) return this.#lose({ reason: "expired" });
      const cause = isGivenUp
        ? "it was interrupted"
        : String(error instanceof Error ? error.message : error);
      this.#context.warn(
        `lock "${this.name}" could not be released; the server frees it within ${session.lease.ttlSeconds} s: ${cause}`,
      );
      return undefined;
    }
  }

  /** Tells why the key was gone at the release. */
  async #whyGone({ mayBeRepeated }: Reply): Promise<LockLostError | undefined> {
    const record = await this.#recordOfEnd();
    if (record?.ending === "released") return undefined;
    if (record?.ending === "replaced") return this.#loss;
    if (record !== undefined) return this.#lose({ reason: "forced", by: record.by });
    const known = this.#loss;
    if (known !== undefined) return known;
    if (!(await this.#isLeaseThere())) return this.#lose({ reason: "expired" });
    // The first sending has done it, and its record is not to be had.
    return mayBeRepeated ? undefined : this.#lose({ reason: "forced" });
  }

  async #isLeaseThere(): Promise<boolean> {
    const { gateway, lease } = this.#context.session;
    const limits = { seconds: this.#secondsToRelease };
    return (await keepLeaseAlive(gateway, lease.id, limits)) !== undefined;
  }

  async #recordOfEnd() {
    const { gateway } = this.#context.session;
    try {
      const since = this.token;
      const records = await readHistory(gateway, this.name, { since, seconds: defaultCallSeconds });
      return records.find(({ key, token }) => key === this.#place.key && token === this.token);
    } catch (error) {
      if (error instanceof LockServerError) return undefined;
      throw error;
    }
  }
}

function ignoreServer(error: unknown): void {
  if (!(error instanceof LockServerError)) throw error;
}
