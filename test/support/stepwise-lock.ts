/** A lock whose requests a test takes step by step, where the library waits in one go. */
import { type Attempt, type AttemptOptions, timerWait } from "../../src/host/acquire.ts";
import { HostLock } from "../../src/host/host-lock.ts";
import type { Wish } from "../../src/host/ledger/own-seat.ts";
import type { Participant } from "../../src/host/ledger/participant.ts";
import { kinds } from "../../src/host/ledger/queue.ts";
import type { LockStatus } from "../../src/lock/status.ts";

type RequestOptions = Partial<
  Pick<Wish, "adopt" | "message" | "newcomer"> & Pick<AttemptOptions, "timeoutSeconds" | "onWait">
>;

export class StepwiseLock implements Disposable {
  readonly #lock: HostLock;
  readonly #holders: Participant[] = [];

  constructor(lockName: string) {
    this.#lock = HostLock.openOrCreate(lockName, {});
  }

  /** Starts a request for an exclusive hold, which waits forever unless it says otherwise. */
  request(
    {
      adopt = true,
      message = "",
      newcomer,
      timeoutSeconds = Infinity,
      onWait,
    }: RequestOptions = {},
    { abilities }: { abilities: Wish["wait"] } = timerWait,
  ): Attempt {
    const wish = { kind: kinds.exclusive, slots: 0, message, adopt, newcomer, wait: abilities };
    return this.#lock.request(wish, { timeoutSeconds, onWait });
  }

  /** Ends a request. @returns `granted` */
  settle(attempt: Attempt, granted: boolean): boolean {
    const holder = this.#lock.settle(attempt, granted);
    if (holder !== undefined) this.#holders.push(holder);
    return holder !== undefined;
  }

  status(): LockStatus {
    return this.#lock.status();
  }

  /** Releases what its requests got. */
  release(): void {
    for (const holder of this.#holders.splice(0)) this.#lock.retire(holder);
  }

  [Symbol.dispose](): void {
    this.release();
    this.#lock.close();
  }
}
