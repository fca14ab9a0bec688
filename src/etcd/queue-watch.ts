/** One watch of a lock's whole queue, which keeps a view of it up to date without asking. */
import { abortablePause } from "../lock/abortable-pause.ts";
import { LockServerError } from "../lock/errors.ts";
import type { Gateway } from "./gateway.ts";
import { flagIn } from "./json.ts";
import type { QueueView } from "./queue-view.ts";
import { eventsIn, type Keys, rangeOf } from "./requests.ts";

/**
 * A watch that has been silent so long is made anew, after a new read, which finds a member that answers: this one may
 * hang, or the connection to it have been cut without a word. Whoever waits for a lock is told of that by its renewals.
 */
const defaultMaxSilenceSeconds = 60;
/** Before a watch that broke is made anew: the server may be on its way down. */
const pauseMilliseconds = 50;
/** How often the queue is read instead, where this process has as many watches as it may have. */
const pollMilliseconds = 1000;

/** Bun has so many requests under way at once, unless its variable says otherwise; the next one waits without a word. */
const defaultMaxRequests = 256;
/** Of these, for what must not wait behind watches: renewals above all. */
const reservedRequests = 64;

/** How many watches this process has. */
let openWatches = 0;

function maxWatches(): number {
  const configured = Number(process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"]);
  return (configured > 0 ? configured : defaultMaxRequests) - reservedRequests;
}

export type WatchOutcome = "changed" | "broken" | "timeout";

export class QueueWatch {
  readonly #view: QueueView;
  readonly #gateway: Gateway;
  readonly #endpoint: string;
  readonly #outer: AbortSignal;
  readonly #maxSilenceSeconds: number;
  readonly #stop = new AbortController();
  readonly #endMoves: () => void;
  /** Aborted by either. */
  readonly #signal: AbortSignal;
  /** Whether its stream has begun, and counts. */
  #isOpen = false;
  readonly #messages: AsyncGenerator<{ message: Record<string, unknown> }>;
  #next: Promise<WatchOutcome> | undefined;
  /** When it was made, or the server said something last. */
  #heardAt = performance.now();

  /**
   * @param view is known up to its revision; the watch goes on from there, so nothing is missed
   * @param options.maxSilenceSeconds after which a silent watch is broken. @default 60
   */
  constructor(
    gateway: Gateway,
    keys: Keys,
    view: QueueView,
    {
      signal,
      maxSilenceSeconds = defaultMaxSilenceSeconds,
    }: { signal: AbortSignal; maxSilenceSeconds?: number | undefined },
  ) {
    this.#gateway = gateway;
    this.#view = view;
    this.#outer = signal;
    this.#maxSilenceSeconds = maxSilenceSeconds;
    this.#endpoint = gateway.preferredEndpoint;
    // A member that is late with a renewal, say, may be as silent about changes.
    this.#endMoves = gateway.onMove((endpoint) => {
      if (endpoint !== this.#endpoint) this.#stop.abort();
    });
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    const start = { ...rangeOf(keys), start_revision: String(view.revision + 1) };
    this.#messages = gateway.stream(
      this.#endpoint,
      "watch",
      { create_request: start },
      this.#signal,
    );
  }

  /**
   * Waits for the next change.
   *
   * @returns `broken` when this watch is of no more use: read the queue, and make another one
   * @throws the reason of the outer signal
   */
  async next(seconds: number): Promise<WatchOutcome> {
    if (seconds <= 0) return "timeout";
    if (this.#next === undefined) {
      this.#next = this.#change();
      // Whoever waits sees it below; nobody may be waiting when it is closed.
      this.#next.catch(() => {});
    }
    let timer: Timer | undefined;
    const patience = this.#maxSilenceSeconds * 1000 - (performance.now() - this.#heardAt);
    const milliseconds = seconds * 1000;
    const late = new Promise<WatchOutcome>((resolve) => {
      const end = () => resolve(milliseconds > patience ? "broken" : "timeout");
      timer = setTimeout(end, Math.min(milliseconds, patience));
    });
    const outcome = await Promise.race([this.#next, late]).finally(() => clearTimeout(timer));
    if (outcome === "changed") this.#next = undefined;
    return outcome;
  }

  close(): void {
    this.#endMoves();
    if (this.#isOpen) openWatches -= 1;
    this.#isOpen = false;
    this.#stop.abort();
  }

  async #change(): Promise<WatchOutcome> {
    if (!this.#isOpen) {
      if (openWatches >= maxWatches()) {
        await abortablePause(pollMilliseconds, this.#signal);
        this.#outer.throwIfAborted();
        return "broken";
      }
      openWatches += 1;
      this.#isOpen = true;
    }
    try {
      for (;;) {
        const { done, value } = await this.#messages.next();
        if (done === true) break;
        this.#heardAt = performance.now();
        // A canceled watch is silent from then on, and its connection stays open.
        if (flagIn(value.message, "canceled")) {
          this.#gateway.forgetLogin();
          break;
        }
        const events = eventsIn(value.message);
        this.#view.apply(events);
        if (events.length > 0) return "changed";
      }
    } catch (error) {
      this.#outer.throwIfAborted();
      if (this.#stop.signal.aborted) return "broken";
      if (!(error instanceof LockServerError)) throw error;
      if (error.fault === "denied" || error.fault === "otherCluster") throw error;
      this.#gateway.avoid(this.#endpoint);
    }
    await Bun.sleep(pauseMilliseconds);
    return "broken";
  }
}
