/**
 * A cluster, as its clients see it: requests that any member may answer, a log-in that is renewed, and a check that
 * all members belong to one cluster.
 *
 * Every request that goes through {@link Gateway.call} may be sent to several members: it must be harmless when it is
 * carried out twice.
 */
import { type Answer, request, stream } from "./channel.ts";
import type { Credentials, TlsSettings } from "./credentials.ts";
import { LockServerError } from "../lock/errors.ts";
import { mayWorkElsewhere } from "./fault.ts";
import { type JsonObject, textIn } from "./json.ts";

export interface GatewaySettings {
  readonly endpoints: readonly string[];
  readonly tls: TlsSettings;
  readonly credentials: Credentials | undefined;
}

export interface CallLimits {
  readonly signal?: AbortSignal | undefined;
  /** How long to try, over all members. */
  readonly seconds?: number;
  /** How long to wait for one member. */
  readonly attemptSeconds?: number;
}

/** An answer, and whether an earlier sending of the request, whose answer was lost, may have been carried out. */
export interface Reply extends Answer {
  readonly mayBeRepeated: boolean;
}

/** How long no member may answer before a caller is told so. */
export const defaultCallSeconds = 10;
const defaultAttemptSeconds = 5;
/** A member that is late by this is asked no less, but the next one is asked too. */
const hedgeMilliseconds = 300;
/** Between two rounds in which every member failed. */
const roundPauseMilliseconds = 100;
/** How long the first request waits for members that answer later than the one that was asked. */
const clusterCheckMilliseconds = 100;

type EndpointOutcome = { readonly answer: Answer } | { readonly error: unknown };

export class Gateway {
  /** All that another process needs to make one like it. */
  readonly settings: GatewaySettings;
  readonly endpoints: readonly string[];
  readonly #tls: TlsSettings;
  readonly #credentials: Credentials | undefined;
  /** The member that answered last. */
  #preferred = 0;
  readonly #moveListeners = new Set<(endpoint: string) => void>();
  #clusterId: string | undefined;
  /** The last log-in; its token is undefined for a server without users. */
  #login: { readonly token: string | undefined } | undefined;
  /** By their members. */
  readonly #pendingLogins = new Map<string, Promise<string | undefined>>();

  constructor(settings: GatewaySettings) {
    const { endpoints, tls, credentials } = settings;
    this.settings = settings;
    this.endpoints = endpoints;
    this.#tls = tls;
    this.#credentials = credentials;
  }

  /** The cluster that has answered; empty before that. */
  get clusterId(): string {
    return this.#clusterId ?? "";
  }

  /** The member that requests go to first. */
  get preferredEndpoint(): string {
    return this.#endpointAt(this.#preferred);
  }

  /** Makes the next member the one that is asked first. */
  avoid(endpoint: string): void {
    if (this.preferredEndpoint === endpoint) this.#preferred += 1;
  }

  /**
   * Calls a listener when the member that was asked first is late or gone, and requests go to another one from now on.
   *
   * @returns ends that
   */
  onMove(listener: (endpoint: string) => void): () => void {
    this.#moveListeners.add(listener);
    return () => this.#moveListeners.delete(listener);
  }

  #prefer(endpoint: string): void {
    const before = this.preferredEndpoint;
    this.#preferred = this.endpoints.indexOf(endpoint);
    if (endpoint === before) return;
    for (const listener of this.#moveListeners) listener(endpoint);
  }

  /**
   * Sends a request until a member answers: one after the other where they fail, the next one too where one is late.
   *
   * @throws {LockServerError} with fault `unavailable` if no member answers in time; others at once
   */
  async call(path: string, body: JsonObject, limits: CallLimits = {}): Promise<Reply> {
    const deadline = performance.now() + (limits.seconds ?? defaultCallSeconds) * 1000;
    const race = new Race(this.endpoints.length);
    const stop = new AbortController();
    const signal =
      limits.signal === undefined ? stop.signal : AbortSignal.any([limits.signal, stop.signal]);
    const attemptMilliseconds = (limits.attemptSeconds ?? defaultAttemptSeconds) * 1000;
    try {
      for (;;) {
        const left = deadline - performance.now();
        limits.signal?.throwIfAborted();
        if (left <= 0) throw race.lastError ?? this.#silence();
        if (race.mayStart()) {
          const timeoutMilliseconds = Math.min(left, attemptMilliseconds);
          const endpoint = this.#endpointAt(this.#preferred + race.started);
          race.start(this.send(endpoint, path, body, { signal, timeoutMilliseconds }));
        }
        const outcome = await race.next(Math.min(left, hedgeMilliseconds));
        if (outcome === undefined) continue;
        if ("answer" in outcome) {
          this.#prefer(outcome.answer.endpoint);
          return { ...outcome.answer, mayBeRepeated: race.mayBeRepeated };
        }
        limits.signal?.throwIfAborted();
        if (!(await race.recover(outcome.error))) throw outcome.error;
      }
    } finally {
      stop.abort();
    }
  }

  /** Sends a request to one member, once; logs in anew if the log-in has expired. */
  async send(
    endpoint: string,
    path: string,
    body: JsonObject,
    options: { signal?: AbortSignal | undefined; timeoutMilliseconds: number },
  ): Promise<Answer> {
    return await this.#withLogin(endpoint, options.signal, async (token) => {
      const answer = await request(endpoint, path, body, { ...options, tls: this.#tls, token });
      this.#requireSameCluster(answer);
      return answer;
    });
  }

  /** Opens a stream at one member and gives its messages until it ends or `signal` aborts. */
  async *stream(
    endpoint: string,
    path: string,
    body: JsonObject,
    signal: AbortSignal,
  ): AsyncGenerator<Answer> {
    const token = await this.#token(endpoint, signal);
    for await (const answer of stream(endpoint, path, body, { signal, tls: this.#tls, token })) {
      this.#requireSameCluster(answer);
      yield answer;
    }
  }

  /** Forgets the log-in, so that the next request logs in. */
  forgetLogin(): void {
    this.#login = undefined;
  }

  /**
   * Asks every member to which cluster it belongs, while a first request runs: members of two clusters in one list
   * would give one lock to two holders.
   *
   * @param first settles when a first request was answered; members that answer much later are not waited for
   * @throws {LockServerError} with fault `otherCluster`
   */
  async requireOneCluster(first: Promise<unknown>): Promise<void> {
    if (this.endpoints.length < 2) return;
    const limit = AbortSignal.timeout(defaultCallSeconds * 1000);
    const checks = this.endpoints.map((endpoint) =>
      this.send(
        endpoint,
        "maintenance/status",
        {},
        { signal: limit, timeoutMilliseconds: 2000 },
      ).catch((error: unknown) => {
        if (error instanceof LockServerError && error.fault === "otherCluster") throw error;
      }),
    );
    const all = Promise.all(checks);
    // Looked at below; until then nobody may call it unhandled.
    all.catch(() => {});
    await first.catch(() => {});
    await Promise.race([all, Bun.sleep(clusterCheckMilliseconds)]);
  }

  #endpointAt(index: number): string {
    const endpoint = this.endpoints[index % this.endpoints.length];
    if (endpoint === undefined) throw new RangeError("Cannot make a gateway without an endpoint");
    return endpoint;
  }

  #silence(): LockServerError {
    return new LockServerError(
      "unavailable",
      `Cannot reach lock server ${this.endpoints.join(", ")}: it does not answer`,
    );
  }

  #requireSameCluster({ header, endpoint }: Answer): void {
    this.#clusterId ??= header.clusterId;
    if (header.clusterId === this.#clusterId) return;
    throw new LockServerError(
      "otherCluster",
      `Cannot use lock server ${endpoint}: it belongs to another cluster than the others in the list`,
    );
  }

  async #withLogin<T>(
    endpoint: string,
    signal: AbortSignal | undefined,
    send: (token: string | undefined) => Promise<T>,
  ): Promise<T> {
    // Without a user the request is on its way before this returns, so that the caller can use the time until its answer.
    if (this.#credentials === undefined) {
      return await send(undefined).catch(explainNoUser(endpoint));
    }
    const token = await this.#token(endpoint, signal);
    const login = this.#login;
    try {
      return await send(token);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
      // Of several requests that found it expired at once, the first logs in.
      if (this.#login === login) this.#login = undefined;
      return await send(await this.#token(endpoint, signal));
    }
  }

  /**
   * The token of the log-in, which is made when first needed; undefined for a server without users.
   *
   * Every member knows a token, but any member may be the one that does not answer: each has a log-in of its own under
   * way, and the first that succeeds serves all.
   */
  async #token(endpoint: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#credentials === undefined) return undefined;
    if (this.#login !== undefined) return this.#login.token;
    let pending = this.#pendingLogins.get(endpoint);
    if (pending === undefined) {
      pending = this.#logIn(endpoint, this.#credentials);
      this.#pendingLogins.set(endpoint, pending);
      const forget = () => this.#pendingLogins.delete(endpoint);
      pending.then(forget, forget);
    }
    return await unlessAborted(pending, signal);
  }

  async #logIn(endpoint: string, credentials: Credentials): Promise<string | undefined> {
    const token = await this.#authenticate(endpoint, credentials);
    this.#login = { token };
    return token;
  }

  async #authenticate(endpoint: string, credentials: Credentials): Promise<string | undefined> {
    try {
      const { message } = await request(
        endpoint,
        "auth/authenticate",
        { name: credentials.user, password: credentials.password },
        { tls: this.#tls, token: undefined, timeoutMilliseconds: defaultAttemptSeconds * 1000 },
      );
      return textIn(message, "token");
    } catch (error) {
      if (error instanceof LockServerError && error.fault === "authDisabled") return undefined;
      throw error;
    }
  }
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof LockServerError && error.fault === "unauthenticated";
}

function explainNoUser(endpoint: string): (error: unknown) => never {
  return (error) => {
    if (!isUnauthenticated(error)) throw error;
    throw new LockServerError(
      "denied",
      `Cannot use lock server ${endpoint}: it requires a user; set RESOURCELOCK_SERVER_USER and RESOURCELOCK_SERVER_PASSWORD`,
    );
  };
}

/** Waits for what others wait for too. @throws the signal's reason once that is aborted */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** The attempts of one call: how many run, and what came of those that ended. */
class Race {
  readonly #members: number;
  readonly #running = new Set<Promise<EndpointOutcome>>();
  #isDue = true;
  #onlyLasting = true;
  started = 0;
  mayBeRepeated = false;
  lastError: LockServerError | undefined;

  constructor(members: number) {
    this.#members = members;
  }

  /** Whether another member is to be asked now. */
  mayStart(): boolean {
    return this.#isDue && this.#running.size < this.#members;
  }

  start(attempt: Promise<Answer>): void {
    this.#isDue = false;
    this.started += 1;
    // Until it has failed without having been sent, another attempt may be a repetition.
    if (this.#running.size > 0) this.mayBeRepeated = true;
    const outcome: Promise<EndpointOutcome> = attempt.then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    this.#running.add(outcome);
    void outcome.then(() => this.#running.delete(outcome));
  }

  /** The next outcome; undefined if none comes in time, and then another member may be asked. */
  async next(milliseconds: number): Promise<EndpointOutcome | undefined> {
    let timer: Timer | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), milliseconds);
    });
    const outcome = await Promise.race([...this.#running, late]);
    clearTimeout(timer);
    if (outcome === undefined) this.#isDue = true;
    return outcome;
  }

  /** Prepares for another attempt after one failed. @returns false if no other attempt can do better */
  async recover(error: unknown): Promise<boolean> {
    if (!(error instanceof LockServerError) || !mayWorkElsewhere(error)) return false;
    this.lastError = error;
    if (error.wasSent) this.mayBeRepeated = true;
    if (error.fault === "unavailable") this.#onlyLasting = false;
    this.#isDue = true;
    const isRoundOver = this.started % this.#members === 0 && this.#running.size === 0;
    if (!isRoundOver) return true;
    if (this.#onlyLasting) return false;
    this.#onlyLasting = true;
    await Bun.sleep(roundPauseMilliseconds);
    return true;
  }
}
