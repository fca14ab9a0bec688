/** Looking at a lock of this host without taking part in it. */
import { objectsOf } from "../lock/name.ts";
import type { LockState } from "../lock/status.ts";
import { HostLock } from "./host-lock.ts";
import { identityOf, statusIfThere } from "./objects/files.ts";
import { conditionOf } from "./status.ts";

/**
 * A lock that stays open between two looks, as opening one is more expensive than looking. It is opened again when its
 * names stand for other objects by now.
 */
export class LockView implements Disposable {
  readonly #name: string;
  #lock: HostLock | undefined;
  #identity: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Looks at the lock. @returns undefined when there is none */
  async read(): Promise<LockState | undefined> {
    // Before it is opened: what is created again in between is seen by the next look.
    const identity = identityOf(this.#name);
    if (this.#lock === undefined || identity === undefined || identity !== this.#identity) {
      this.close();
      this.#lock = HostLock.open(this.#name);
      this.#identity = identity;
    }
    if (this.#lock !== undefined) return viewState(this.#lock);
    // It may be in use all the same, and only have lost its semaphore.
    const { lookAtLost } = await import("./inventory/list.ts");
    return lookAtLost(this.#name);
  }

  close(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function viewState(lock: HostLock): LockState {
  const { name } = lock;
  lock.unit.requireWhole();
  const value = lock.unit.readValue();
  const status = lock.status();
  return {
    name,
    state: conditionOf(status),
    exists: true,
    locked: status.holders.length > 0,
    value,
    info: lock.readInfo(),
    userId: statusIfThere(objectsOf(name).semaphorePath)?.userId ?? null,
    ...status,
  };
}
