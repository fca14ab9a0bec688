/** For how many ticks in a row a waiter may skip its attempt, as nothing that it waits for can change unseen. */
const maxQuietTicks = 3;

export class QuietTicks {
  #left = 0;

  /** Allows ticks to pass from now on. */
  allow(): void {
    this.#left = maxQuietTicks;
  }

  /** Something has changed: the next tick is not to pass. */
  cancel(): void {
    this.#left = 0;
  }

  /** Lets a tick pass; false where none may. */
  consume(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
