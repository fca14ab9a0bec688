/** Looking at a lock again and again. */
import { identityOf } from "../../host/objects/files.ts";
import { parseLockName } from "../../lock/name.ts";
import type { ResourceLock } from "../../host/resource-lock.ts";
import { openExisting, type State, stateOf, stateOfMissing } from "../status/existing.ts";
import type { OutputOptions } from "../terminal/output.ts";

/**
 * A lock that stays open between two looks, as opening one is dearer than looking. It is opened anew where it was
 * made, or made anew, meanwhile.
 */
export class LockWatch {
  readonly lockName: string;
  readonly #output: OutputOptions;
  #lock: ResourceLock | undefined;
  #identity: string | undefined;

  /** @throws {LockNameError} */
  constructor(name: string, output: OutputOptions) {
    this.lockName = parseLockName(name);
    this.#output = output;
  }

  /** The lock's state now. @throws as `new ResourceLock`, but for a lock that is not there */
  look(): State {
    // Before it is opened: what is made anew in between is seen by the next look.
    const identity = identityOf(this.lockName);
    if (this.#lock === undefined || identity === undefined || identity !== this.#identity) {
      this.close();
      const { lock, missing } = openExisting(this.lockName, this.#output);
      if (lock === undefined) return stateOfMissing(missing);
      [this.#lock, this.#identity] = [lock, identity];
    }
    return stateOf(this.#lock);
  }

  close(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }
}
