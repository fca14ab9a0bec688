/**
 * A request for a lock: from its place in the queue to its grant, or to its end.
 *
 * The queue is the keys under `NAME/` in the order in which they were made, as for `etcdctl lock`. Each step is one
 * transaction that can be repeated when its answer is lost: the key is named by a lease ID that was chosen here, so a
 * repetition finds what the first sending did.
 */
import { LockServerError } from "../lock/errors.ts";
import type { Circle } from "../lock/circle.ts";
import type { Refusal, WaitState } from "../lock/engine.ts";
import type { RequestedKind } from "../lock/kinds.ts";
import type { HolderStatus } from "../lock/status.ts";
import { type Arrival, looksFirst, refusalInQueue, refusalOnArrival } from "./arrival.ts";
import { type Entry, type EntryValue, formatEntry, queueEntryOf, tokenOf } from "./entry.ts";
import { abortablePause } from "../lock/abortable-pause.ts";
import { type CallLimits, defaultCallSeconds, type Reply } from "./gateway.ts";
import { type JsonObject, objectIn } from "./json.ts";
import { placeKey, queuePrefix } from "./keys.ts";
import { PlaceGone } from "./lost-place.ts";
import { QueueView } from "./queue-view.ts";
import { QueueWatch } from "./queue-watch.ts";
import {
  compare,
  keyValuesIn,
  operation,
  range,
  readKeyValues,
  responsesIn,
  transaction,
} from "./requests.ts";
import type { GrantedKey, Session, SessionListener } from "./session.ts";
import { startWaitTicks } from "./wait-ticks.ts";

/** What a request tells others of itself. */
export type Label = Pick<EntryValue, "host" | "user" | "pid" | "process" | "message">;

export interface PlaceRequest {
  readonly kind: RequestedKind;
  readonly label: Label;
  readonly timeoutSeconds: number;
  readonly arrival: Arrival;
  /** Finds the hold that this process runs under. */
  readonly findAround?: ((holders: readonly Entry[]) => HolderStatus | undefined) | undefined;
  /** Looks whether the wait is part of a deadlock that it is to end; undefined where it cannot be. */
  readonly findCircle?: (() => Promise<Circle | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: ((waitedSeconds: number, describe: () => WaitState) => void) | undefined;
}

/** A place that holds its lock. */
export interface GrantedPlace extends GrantedKey {
  readonly token: number;
  readonly value: EntryValue;
  /** As {@link Place.mayReturn}. */
  readonly mayReturn: boolean;
}

/** The wait would never end. */
class Deadlocked extends Error {
  override readonly name = "Deadlocked";
}

/** Transactions that find another queue each time are tried at once so often ... */
const maxQuickTries = 5;
/** ... and after that so far apart: a server that lies is not to be asked without end. */
const slowTryMilliseconds = 100;

export class Place {
  readonly #session: Session;
  readonly #request: PlaceRequest;
  readonly #queue: { readonly prefix: string };
  /** Where it is in the queue, once it has entered that. */
  readonly key: string;
  readonly #own: ReturnType<typeof queueEntryOf>;
  /** The queue as it was known last. */
  readonly view = new QueueView();
  readonly #value: EntryValue;
  readonly #startedAt: number;
  #refusal: Omit<Refusal, "granted" | "name"> = { reason: "timeout", by: [] };
  #mayReturn = false;
  /** How many transactions found another queue than they were for. */
  #vainTries = 0;
  /** Aborted when the lease is gone, by the caller's signal, and when time is up. */
  readonly #end = new AbortController();

  constructor(session: Session, name: string, request: PlaceRequest) {
    this.#session = session;
    this.#request = request;
    this.#queue = { prefix: queuePrefix(name) };
    this.key = placeKey(name, session.lease.id);
    this.#own = queueEntryOf(request.kind);
    this.#startedAt = session.clock();
    const { newest, replace } = request.arrival;
    this.#value = {
      ...this.#own,
      ...request.label,
      since: Date.now() / 1000,
      ...(newest === true || replace === true ? { newest: true } : {}),
      ...(replace === true ? { replace: true } : {}),
    };
  }

  /** Whether a copy of the request that makes the key may still be carried out, when the key has been deleted. */
  get mayReturn(): boolean {
    return this.#mayReturn;
  }

  /** Why it was not granted, once {@link acquire} has given undefined. */
  get refusal(): Omit<Refusal, "granted" | "name"> {
    return this.#refusal;
  }

  /**
   * Waits for the grant.
   *
   * @returns undefined when it did not come in time, or was refused; to delete its key is for the caller then
   * @throws the reason of the request's signal, a {@link LockServerError}, or {@link PlaceGone}
   */
  async acquire(): Promise<GrantedPlace | undefined> {
    const { timeoutSeconds, signal } = this.#request;
    signal?.throwIfAborted();
    const abort = () => this.#end.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return timeoutSeconds === 0 ? await this.#tryOnce() : await this.#queueUntilGranted();
    } catch (error) {
      if (error instanceof Deadlocked) return undefined;
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Seconds until time is up. */
  get #secondsLeft(): number {
    return this.#request.timeoutSeconds - (this.#session.clock() - this.#startedAt);
  }

  /** Takes the lock if nobody stands in the way; never joins the queue. */
  async #tryOnce(): Promise<GrantedPlace | undefined> {
    const limits = { signal: this.#end.signal, seconds: defaultCallSeconds };
    await this.#readQueue(limits);
    for (;;) {
      const mine = this.#grantFound();
      if (mine !== undefined) return mine;
      if (!this.view.wouldHold(this.#own)) return undefined;
      const value = this.#grantedValue();
      const askedAt = this.#session.clock();
      const { message, header } = await this.#create(
        transaction({
          compare: [
            compare.isAbsent({ key: this.key }),
            compare.noneChangedAfter(this.#queue, this.view.revision),
          ],
          success: [this.#put(value)],
          failure: [operation.get(this.#queue)],
        }),
        limits,
      );
      if (message["succeeded"] === true) {
        return this.#granted(header.revision, header, value, askedAt);
      }
      this.view.load(readKeyValues(responsesIn(message)[0]), header.revision);
      await this.#pauseAfterVainTry();
    }
  }

  async #pauseAfterVainTry(): Promise<void> {
    this.#vainTries += 1;
    if (this.#vainTries <= maxQuickTries) return;
    await abortablePause(slowTryMilliseconds, this.#end.signal);
  }

  async #queueUntilGranted(): Promise<GrantedPlace | undefined> {
    const leaseGone: SessionListener = {
      onLeaseGone: () => this.#end.abort(new PlaceGone("the lease ended")),
      onKeysGone: () => {},
      onStop: () => {},
    };
    const first = await this.#join();
    if (first !== undefined || this.#refusal.reason !== "timeout") return first;
    this.#session.listen(leaseGone);
    try {
      using _ = this.#startWaitTicks();
      return await this.#awaitTurn();
    } finally {
      this.#session.unlisten(leaseGone);
    }
  }

  /** Enters the queue, unless that is refused. @returns the grant, when nobody is there */
  async #join(): Promise<GrantedPlace | undefined> {
    const { arrival } = this.#request;
    if (!looksFirst(arrival)) return await this.#enter([]);
    for (;;) {
      await this.#readQueue({ signal: this.#end.signal, seconds: this.#secondsLeft });
      // It may be there by an earlier sending.
      const isThere = this.view.find(this.key) !== undefined;
      const refusal = isThere ? undefined : refusalOnArrival(this.view, this.#own, arrival);
      if (refusal !== undefined) {
        this.#refusal = refusal;
        return undefined;
      }
      const conditions = [compare.noneChangedAfter(this.#queue, this.view.revision)];
      const granted = await this.#enter(conditions);
      if (granted !== undefined || this.view.find(this.key) !== undefined) return granted;
      await this.#pauseAfterVainTry();
    }
  }

  /**
   * Enters the queue; in one transaction, if nobody is there, with the grant.
   *
   * @param conditions on which it enters a queue in which somebody is
   * @returns the grant, or undefined when there is somebody
   */
  async #enter(conditions: readonly JsonObject[]): Promise<GrantedPlace | undefined> {
    const value = this.#grantedValue();
    const askedAt = this.#session.clock();
    const list = operation.get(this.#queue);
    const { message, header } = await this.#create(
      transaction({
        compare: [compare.isAbsent(this.#queue)],
        success: [this.#put(value)],
        failure: [
          operation.transaction({
            compare: [compare.isAbsent({ key: this.key }), ...conditions],
            success: [this.#put(this.#value), list],
            failure: [list],
          }),
        ],
      }),
      {
        signal: this.#end.signal,
        seconds: Math.max(0.001, Math.min(defaultCallSeconds, this.#secondsLeft)),
      },
    );
    if (message["succeeded"] === true) {
      return this.#granted(header.revision, header, value, askedAt);
    }
    const inner = objectIn(responsesIn(message)[0] ?? {}, "response_txn");
    this.view.load(readKeyValues(responsesIn(inner).at(-1)), header.revision);
    return undefined;
  }

  /** Sends a transaction that makes the key. */
  async #create(request: JsonObject, limits: CallLimits): Promise<Reply> {
    const wasRepeated = this.#mayReturn;
    // Until it is answered.
    this.#mayReturn = true;
    const reply = await this.#session.gateway.call("kv/txn", request, limits);
    // A member that is late may have a copy of it.
    this.#mayReturn = wasRepeated || reply.mayBeRepeated;
    return reply;
  }

  /** Waits until it is this place's turn, and takes the lock. */
  async #awaitTurn(): Promise<GrantedPlace | undefined> {
    let watch: QueueWatch | undefined;
    try {
      for (;;) {
        const mine = this.#grantFound();
        if (mine !== undefined) return mine;
        const own = this.view.find(this.key);
        if (own === undefined) throw new PlaceGone("the key was deleted");
        const refusal = refusalInQueue(this.view, own);
        if (refusal !== undefined) {
          this.#refusal = refusal;
          return undefined;
        }
        if (this.view.mayHold(own)) {
          const taking = this.#take(own.createRevision);
          // While that is under way.
          watch?.close();
          watch = undefined;
          const granted = await taking;
          if (granted !== undefined) return granted;
          continue;
        }
        watch ??= new QueueWatch(this.#session.gateway, this.#queue, this.view, {
          signal: this.#end.signal,
        });
        const outcome = await watch.next(this.#secondsLeft);
        if (outcome === "timeout") return undefined;
        if (outcome === "changed") continue;
        watch.close();
        watch = undefined;
        await this.#readQueue({ signal: this.#end.signal, seconds: this.#secondsLeft });
      }
    } catch (error) {
      // The server was away until time was up.
      const isLate = error instanceof LockServerError && error.fault === "unavailable";
      if (isLate && this.#secondsLeft <= 0) return undefined;
      throw error;
    } finally {
      watch?.close();
    }
  }

  /** Takes the lock when it is this place's turn; undefined when the queue is no longer what it was. */
  async #take(createRevision: number): Promise<GrantedPlace | undefined> {
    const value = this.#grantedValue();
    const askedAt = this.#session.clock();
    const conditions = [compare.wasCreatedAt(this.key, createRevision)];
    if (this.#own.kind === "exclusive") {
      conditions.push(compare.noneCreatedBefore(this.#queue, createRevision));
    }
    // Another one may have taken the slot that is free in this view.
    if (this.#own.kind === "slots") {
      conditions.push(compare.noneChangedAfter(this.#queue, this.view.revision));
    }
    const { message, header } = await this.#session.gateway.call(
      "kv/txn",
      transaction({
        compare: conditions,
        success: [this.#put(value)],
        failure: [operation.get(this.#queue)],
      }),
      { signal: this.#end.signal, seconds: this.#secondsLeft },
    );
    if (message["succeeded"] === true) return this.#granted(createRevision, header, value, askedAt);
    this.view.load(readKeyValues(responsesIn(message)[0]), header.revision);
    await this.#pauseAfterVainTry();
    return undefined;
  }

  /** The grant of an earlier sending whose answer was lost. */
  #grantFound(): GrantedPlace | undefined {
    const own = this.view.find(this.key);
    if (own?.value?.granted === undefined) return undefined;
    const { createRevision, value } = own;
    return this.#granted(createRevision, { revision: tokenOf(own), raftTerm: 0 }, value, 0);
  }

  /** Describes the grant by what the answer to its transaction begins with. */
  #granted(
    createRevision: number,
    { revision: token, raftTerm }: { revision: number; raftTerm: number },
    value: EntryValue,
    askedAt: number,
  ): GrantedPlace {
    return {
      key: this.key,
      createRevision,
      token,
      value,
      raftTerm,
      askedAt,
      mayReturn: this.#mayReturn,
    };
  }

  #grantedValue(): EntryValue {
    const granted = { ...this.#value, granted: Date.now() / 1000 };
    if (this.#own.kind !== "slots") return granted;
    const { kind } = this.#request;
    const slot = this.view.freeSlot();
    const slotName = typeof kind === "object" ? kind.names?.[slot] : undefined;
    return { ...granted, slot, ...(slotName === undefined ? {} : { slotName }) };
  }

  #put(value: EntryValue): JsonObject {
    return operation.put(this.key, formatEntry(value), this.#session.lease.id);
  }

  async #readQueue(limits: { signal: AbortSignal; seconds: number }): Promise<void> {
    const { message, header } = await this.#session.gateway.call(
      "kv/range",
      range(this.#queue),
      limits,
    );
    this.view.load(keyValuesIn(message), header.revision);
  }

  #describe(): WaitState {
    const holders = this.view.holders.filter(({ key }) => key !== this.key);
    const around = this.#request.findAround?.(holders);
    return { ...this.view.describe(this.key), around };
  }

  #startWaitTicks(): Disposable {
    const { onWait, findCircle } = this.#request;
    const waited = () => this.#session.clock() - this.#startedAt;
    return startWaitTicks({
      notify:
        onWait && (() => this.view.isBlocked(this.key) && onWait(waited(), () => this.#describe())),
      findCircle,
      // As if it had been thrown by the wait.
      onError: (error) => this.#end.abort(error),
      onCircle: (circle) => {
        if (this.#end.signal.aborted) return;
        const by = circle.map(({ blocker }) => blocker);
        this.#refusal = { reason: "deadlock", by, circle };
        this.#end.abort(new Deadlocked());
      },
    });
  }
}
