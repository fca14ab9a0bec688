/** A ledger for onlookers: nothing is ever written, and a process that was stopped in the mutex is not waited for. */
import { monotonicSeconds } from "../../posix/clock.ts";
import { closeFile, readAt } from "../../posix/file.ts";
import {
  damagedLedger,
  type Header,
  LedgerImage,
  type LedgerState,
  maxSeats,
  type Seat,
} from "./layout.ts";
import { isAnySeatLocked, isSeatLocked, tryShareMutex, unlockSharedMutex } from "./seat-locks.ts";

/** How often a read-only observer tries to lock the mutex, 1 ms apart; participants hold it for microseconds. */
const maxMutexTries = 20;
/**
 * How long all observers of this process pause for that in a second, together: a stranger may keep the mutexes of
 * hundreds of ledgers, and `list` reads them all.
 */
const maxPausesPerSecond = 100;
let pausesSinceSeconds = 0;
let pauses = 0;

/** Pauses for 1 ms; false where too much of this second went that way. */
function mayPause(): boolean {
  const time = monotonicSeconds();
  if (time - pausesSinceSeconds >= 1) {
    pausesSinceSeconds = time;
    pauses = 0;
  }
  if (pauses >= maxPausesPerSecond) return false;
  pauses += 1;
  Bun.sleepSync(1);
  return true;
}

/** A ledger as an onlooker sees it. */
export interface LedgerSnapshot extends LedgerState {
  /** See {@link overwrittenSeat}. */
  overwrittenSeat(): number;
}

/** What can be read without taking part: a {@link LedgerReader}, or a participant's `Ledger`. */
export interface ReadableLedger {
  snapshot<T>(act: (state: LedgerSnapshot) => T): T;
}

export class LedgerReader implements LedgerSnapshot, ReadableLedger {
  readonly lockName: string;
  readonly header: Header;
  readonly #descriptor: number;
  readonly #image: LedgerImage;
  readonly #own: { readonly mine: number };

  /**
   * @param descriptor of the ledger's file; that it may only read is enough
   * @param image where the data is read to: `list` has one for all ledgers that it reads one after the other
   * @param own the seat that the descriptor itself keeps: the kernel tells only about others'
   */
  constructor(
    descriptor: number,
    lockName: string,
    {
      image = new LedgerImage(),
      own = { mine: 0 },
    }: { image?: LedgerImage | undefined; own?: { readonly mine: number } } = {},
  ) {
    this.#descriptor = descriptor;
    this.lockName = lockName;
    this.#image = image;
    this.header = image.header;
    this.#own = own;
  }

  /** Whether anybody has ever used it: it starts with what no other file starts with. */
  get isBegun(): boolean {
    return this.#image.isBegun;
  }

  get seats(): number {
    return this.#image.seats;
  }

  get taken(): readonly number[] {
    return this.#image.taken;
  }

  seat(number: number): Seat {
    return this.#image.seat(number);
  }

  isLive(seat: number): boolean {
    if (this.seat(seat).ticket === 0) return false;
    return seat === this.#own.mine || isSeatLocked(this.#descriptor, seat);
  }

  overwrittenSeat(): number {
    return overwrittenSeat(this.#image, this.#descriptor, this.#own.mine);
  }

  /**
   * Runs `act` on the data as it is; without the mutex where that cannot be had soon.
   *
   * @throws {LockDamagedError}
   */
  snapshot<T>(act: (state: this) => T): T {
    const isShared = this.#shareMutex();
    try {
      this.#read();
      const soundness = this.#image.soundness();
      if (soundness.kind === "damaged") throw damagedLedger(this.lockName, soundness.reason);
      const bytes = this.#image.statedBytes;
      if (bytes !== this.#image.bytes.length) {
        this.#image.resize(bytes);
        this.#read();
      }
      return act(this);
    } finally {
      if (isShared) unlockSharedMutex(this.#descriptor);
    }
  }

  #shareMutex(): boolean {
    for (let tries = 0; tries <= maxMutexTries; tries++) {
      if (tries > 0 && !mayPause()) return false;
      if (tryShareMutex(this.#descriptor)) return true;
    }
    return false;
  }

  #read(): void {
    const { bytes } = this.#image;
    bytes.fill(0, readAt(this.#descriptor, bytes));
    this.#image.loaded();
  }

  close(): void {
    closeFile(this.#descriptor);
  }
}

/**
 * A seat in which somebody else lives, and of which the ledger says nothing that makes sense, nor that it was left,
 * as somebody wrote over it or cut it off; 0 for none. Looks at all the seats that there can be.
 */
export function overwrittenSeat(image: LedgerImage, descriptor: number, own: number): number {
  if (!isAnySeatLocked(descriptor)) return 0;
  for (let seat = 1; seat <= maxSeats; seat++) {
    const isExplained = image.isSane(seat) || image.wasLeft(seat);
    if (!isExplained && seat !== own && isSeatLocked(descriptor, seat)) return seat;
  }
  return 0;
}
