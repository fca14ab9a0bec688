/** What a keeper process is told, and the page that it shares with the process that started it. */
import type { EntryValue } from "./entry.ts";
import type { GatewaySettings } from "./gateway.ts";
import type { RenewalTime } from "./session.ts";

/** Descriptors that a keeper is started with. */
export const keeperDescriptors = {
  /** At its end when the process that started the keeper has ended. */
  life: 3,
  /** At its end when nothing runs under the lock any more. */
  hold: 4,
  /** The shared page. */
  page: 5,
} as const;

/** A lock that is kept. */
export interface KeptLock {
  readonly name: string;
  readonly key: string;
  readonly createRevision: number;
  readonly token: number;
  readonly value: EntryValue;
}

export interface KeeperJob {
  /** With the secrets, which may have come from a pipe that can be read only once. */
  readonly gateway: GatewaySettings;
  readonly lease: { readonly id: string; readonly ttlSeconds: number; readonly sentAt: number };
  readonly locks: readonly KeptLock[];
  /** The process that started it, and shares its page and its pipes; or the one that the locks are bound to. */
  readonly of:
    { readonly wrapper: number } | { readonly owner: number; readonly ownerStart: number };
  /** Whether what runs under the lock is stopped when the lease cannot be kept. */
  readonly stops: boolean;
}

/** Numbers of the page. */
const words = { renewedAt: 0, isDone: 1, isLost: 2, isInDoubt: 3 } as const;

/** The page, seen from either side. */
export class KeeperPage implements RenewalTime {
  readonly #numbers: Float64Array;

  constructor(numbers: Float64Array) {
    this.#numbers = numbers;
  }

  get(): number {
    return this.#numbers[words.renewedAt] ?? 0;
  }

  /** Two that advance it at once may leave the earlier of two times, which only means to stop sooner. */
  advance(sentAt: number): void {
    if (sentAt <= this.get()) return;
    this.#numbers[words.renewedAt] = sentAt;
    this.#numbers[words.isInDoubt] = 0;
  }

  get isLost(): boolean {
    return this.#numbers[words.isLost] === 1;
  }

  lose(): void {
    this.#numbers[words.isLost] = 1;
  }

  get isInDoubt(): boolean {
    return this.#numbers[words.isInDoubt] === 1;
  }

  doubt(): void {
    this.#numbers[words.isInDoubt] = 1;
  }

  /** Whether the locks were released, so that nothing is left to keep. */
  get isDone(): boolean {
    return this.#numbers[words.isDone] === 1;
  }

  finish(): void {
    this.#numbers[words.isDone] = 1;
  }
}
