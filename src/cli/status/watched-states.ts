/** Locks on a server, for a command that looks at them again and again: the server tells of changes, and is not asked. */
import type { LockEngine } from "../../lock/engine.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { type State, stateOf } from "./existing.ts";

/** What is told of changes only. */
const never = Infinity;
/** A server has to go through all leases for its list. */
const listSeconds = 2;

/** The states of some locks, kept up to date. */
export class WatchedStates implements Disposable {
  readonly #engine: LockEngine;
  readonly #stop = new AbortController();
  readonly #states = new Map<string, State>();
  readonly #firstLooks: Promise<void>[];
  #failure: { readonly error: unknown } | undefined;

  constructor(engine: LockEngine, names: readonly string[]) {
    this.#engine = engine;
    this.#firstLooks = names.map((name) => this.#follow(name));
  }

  /** The states as they are known now. @throws what ended a watch, as a server that is not there any more */
  async look(): Promise<readonly State[]> {
    await Promise.all(this.#firstLooks);
    if (this.#failure !== undefined) throw this.#failure.error;
    return [...this.#states.values()];
  }

  /** @returns settles when the lock has been looked at once */
  #follow(name: string): Promise<void> {
    const first = Promise.withResolvers<void>();
    const options = { everySeconds: never, signal: this.#stop.signal, endsWithServer: true };
    const follow = async () => {
      try {
        for await (const lock of this.#engine.watch(name, options)) {
          this.#states.set(name, stateOf(name, lock));
          first.resolve();
        }
      } catch (error) {
        this.#failure = { error };
      }
      first.resolve();
    };
    void follow();
    return first.promise;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}

/** Looks at all locks of a server, not more often than it can bear: in between, what was seen last. */
export function rareLooks(look: () => Promise<readonly State[]>): () => Promise<readonly State[]> {
  let states: readonly State[] = [];
  let dueSeconds = 0;
  return async () => {
    const nowSeconds = monotonicSeconds();
    if (nowSeconds < dueSeconds) return states;
    dueSeconds = nowSeconds + listSeconds;
    states = await look();
    return states;
  };
}
