/** The queue of a lock as it was at a revision: who holds, who waits, and who has to wait for whom. */
import type { WaitState } from "../lock/engine.ts";
import { nearestBlocker, type QueueEntry } from "../lock/kinds.ts";
import { type Entry, holderOf, parseEntry, participantOf } from "./entry.ts";
import { formatGrantInfo } from "./info.ts";
import type { KeyEvent, KeyValue } from "./requests.ts";

export class QueueView {
  readonly #entries = new Map<string, Entry>();
  #revision = 0;

  /** The revision up to which everything is known. */
  get revision(): number {
    return this.#revision;
  }

  /** All places, the oldest first. */
  get entries(): Entry[] {
    return [...this.#entries.values()].toSorted(
      (one, other) => one.createRevision - other.createRevision,
    );
  }

  /** Replaces everything by what was read at a revision. */
  load(kvs: readonly KeyValue[], revision: number): void {
    this.#entries.clear();
    for (const kv of kvs) this.#entries.set(kv.key, parseEntry(kv));
    this.#revision = revision;
  }

  /** Follows what a watch tells. Its header may be of a later revision, of which the events are still to come. */
  apply(events: readonly KeyEvent[]): void {
    for (const { type, kv } of events) {
      if (type === "delete") this.#entries.delete(kv.key);
      else this.#entries.set(kv.key, parseEntry(kv));
      this.#revision = Math.max(this.#revision, kv.modRevision);
    }
  }

  find(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Whether a place may hold: once it may, it may until it leaves. */
  mayHold(own: QueueEntry & { readonly createRevision: number }): boolean {
    const before = this.entries.filter(({ createRevision }) => createRevision < own.createRevision);
    return nearestBlocker(own, before) === -1;
  }

  /** Whether anybody is before a place whom it waits for: of slots, some may be free. */
  isBlocked(key: string): boolean {
    const own = this.find(key);
    return own === undefined || !this.mayHold(own);
  }

  /** Whether a request that came now could hold at once. */
  wouldHold(own: QueueEntry): boolean {
    return nearestBlocker(own, this.entries) === -1;
  }

  /** The least number of a slot that nobody has. */
  freeSlot(): number {
    const taken = new Set(this.entries.map(({ value }) => value?.slot));
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    return slot;
  }

  /** Places that hold: those that were granted, and those of other programs whose turn it is. */
  get holders(): Entry[] {
    return this.entries.filter((entry) => this.#holds(entry));
  }

  get waiters(): Entry[] {
    return this.entries.filter((entry) => !this.#holds(entry));
  }

  #holds(entry: Entry): boolean {
    return entry.value === undefined ? this.mayHold(entry) : entry.value.granted !== undefined;
  }

  /** What a place waits for. */
  describe(key: string): WaitState {
    const { waiters, holders } = this;
    const index = waiters.findIndex((entry) => entry.key === key);
    return {
      place: index + 1,
      waiting: waiters.length,
      holders: holders.map(holderOf),
      info: formatGrantInfo(holders.at(-1)?.value),
    };
  }

  /** All participants as others see them. */
  describeAll() {
    return { holders: this.holders.map(holderOf), waiters: this.waiters.map(participantOf) };
  }
}
