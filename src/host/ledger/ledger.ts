/**
 * The ledger of a lock, for one participant: who holds and who waits, as data in /dev/shm/NAME.ledger (layout.ts),
 * and the kernel's byte locks that vouch for it (seat-locks.ts). What is done with it is in participant.ts.
 */
import { deleteIfSame } from "../../posix/file.ts";
import { faultPoint, isFaultWanted } from "../../posix/fault-point.ts";
import { FutexFile } from "../../posix/futex.ts";
import { ETIMEDOUT, PosixError } from "../../posix/libc.ts";
import { objectsOf } from "../../lock/name.ts";
import {
  damagedLedger,
  entryBytes,
  firstPageSeats,
  type Header,
  type LedgerImage,
  type LedgerState,
  lockStates,
  maxPages,
  pageBytes,
  type Seat,
  seatStates,
} from "./layout.ts";
import { seatFlags } from "./seat-words.ts";
import { LedgerFile } from "./ledger-file.ts";
import {
  LedgerReader,
  type LedgerSnapshot,
  overwrittenSeat,
  type ReadableLedger,
} from "./ledger-reader.ts";
import { isAnySeatLocked, isSeatLocked, SeatLocks } from "./seat-locks.ts";

/** Somebody keeps the mutex. */
export const mutexBusy = Symbol("mutex busy");
/** How long a request waits for the mutex: longer than one who has it is kept from the processor by a busy host. */
const patientSeconds = 1;
/** How long somebody waits for the mutex who cannot do without. */
const maxMutexSeconds = 10;

/** The size of a new ledger. */
export const newLedgerBytes = pageBytes;
/** What the ledger of a lock at rest may keep. */
const pagesAtRest = 4;

/** The seat to try at a step, where `last` was the last one that was taken: first those of the first page, then others. */
function seatInTurn(last: number, step: number, seats: number): number {
  if (step <= firstPageSeats) return ((last + step - 1) % firstPageSeats) + 1;
  const stepBeyond = step - firstPageSeats - 1;
  const lastBeyond = Math.max(0, last - firstPageSeats);
  return firstPageSeats + ((lastBeyond + stepBeyond) % (seats - firstPageSeats)) + 1;
}

export class Ledger implements LedgerState, ReadableLedger {
  readonly lockName: string;
  readonly header: Header;
  readonly #descriptor: number;
  readonly #file: LedgerFile;
  readonly #image: LedgerImage;
  readonly #locks: SeatLocks;
  readonly #createdPath: string | undefined;
  #futexes: FutexFile | undefined;
  #reader: LedgerReader | undefined;

  /**
   * @param descriptor of the ledger's file, opened for this object alone: byte locks are a description's
   * @param createdPath the file's name, where it has just been created
   */
  constructor(descriptor: number, lockName: string, createdPath?: string) {
    this.lockName = lockName;
    this.#descriptor = descriptor;
    this.#file = new LedgerFile(descriptor, lockName);
    this.#image = this.#file.image;
    this.header = this.#image.header;
    this.#locks = new SeatLocks(descriptor);
    this.#createdPath = createdPath;
  }

  /** Asks the kernel whether the file still has its name. */
  fileHasName(): boolean {
    return this.#file.hasName();
  }

  /** Reads the file and tells whether it still says what was last seen under the mutex, which is not needed here. */
  isUnchanged(): boolean {
    return this.#file.isUnchanged();
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
    return seat === this.#locks.mine || this.isSeatLocked(seat);
  }

  /**
   * Runs `act` under the mutex, on the data as it is then. What `act` changes is written by {@link store},
   * between whose system calls this process may die.
   *
   * @throws {LockDamagedError}
   * @throws {PosixError} ETIMEDOUT when somebody keeps the mutex
   */
  transact<T>(act: () => T): T {
    const result = this.tryTransact(act, maxMutexSeconds);
    if (result !== mutexBusy) return result;
    const { ledgerPath } = objectsOf(this.lockName);
    const text = `Cannot use lock "${this.lockName}": another process keeps its ledger locked; end that process (fuser ${ledgerPath})`;
    throw new PosixError("fcntl", ETIMEDOUT, text);
  }

  /**
   * {@link transact}, to leave the seat of a holder. After an error it is that of a dead one: nobody else could leave it,
   * and what the command has started must not keep it.
   */
  transactToLeave<T>(act: () => T): T {
    try {
      return this.transact(act);
    } catch (error) {
      this.abandonSeat();
      throw error;
    }
  }

  /** {@link transact}, or {@link mutexBusy} when somebody keeps the mutex for longer than `seconds`. */
  tryTransact<T>(act: () => T, seconds = patientSeconds): T | typeof mutexBusy {
    if (!this.#locks.lockMutex(seconds)) return mutexBusy;
    try {
      this.#load();
      return act();
    } finally {
      const left = this.#locks.unlockMutex();
      if (left !== 0 && this.#hasFutexWaiter()) this.#futexFile().wake(left * entryBytes);
    }
  }

  /** How many grants the file has now, for one that was stopped since it had the mutex, and has not got it. */
  readGrants(): number {
    return this.#file.readGrants();
  }

  /** Reads what the file really has, after an error of {@link store}. Under the mutex. */
  reread(): void {
    this.#file.read();
    this.#image.loaded();
  }

  /** Runs `act` on what the ledger says, without changing it and without ever waiting for the mutex. */
  snapshot<T>(act: (state: LedgerSnapshot) => T): T {
    this.#reader ??= new LedgerReader(this.#descriptor, this.lockName, { own: this.#locks });
    return this.#reader.snapshot(act);
  }

  #hasFutexWaiter(): boolean {
    return this.taken.some((number) => {
      const seat = this.seat(number);
      return (seat.flags & seatFlags.usesFutex) !== 0 && seat.state === seatStates.waiting;
    });
  }

  #futexFile(): FutexFile {
    return (this.#futexes ??= new FutexFile(this.#descriptor, maxPages * pageBytes));
  }

  #load(): void {
    const image = this.#image;
    image.loaded();
    let length = this.#file.read();
    const soundness = image.soundness();
    if (soundness.kind !== "sound") {
      // It must not begin anew under others who take part.
      if (soundness.kind === "damaged" && this.othersPresent()) {
        throw damagedLedger(this.lockName, soundness.reason, ", and others use it");
      }
      this.#file.begin();
      length = image.bytes.length;
    }
    const bytes = image.statedBytes;
    if (bytes !== image.bytes.length) {
      this.#file.resizeImage(bytes);
      length = this.#file.read();
    }
    if (length < bytes) {
      // Somebody cut it short, or created it and died.
      this.#file.allocate(bytes);
      this.#doubtRecord();
    }
  }

  /** With seats gone, nobody can tell a living holder from a dead one: whoever has the unit is a stranger. */
  #doubtRecord(): void {
    if (this.#locks.mine === 0 && !this.othersPresent()) return;
    this.header.state = lockStates.free;
    this.header.notedHash = 0;
    this.store();
  }

  /** Writes what was changed: see {@link LedgerFile.store}. */
  store(first: "record" | "seat" = "record"): void {
    this.#file.store(first);
  }

  /** The next number for a ticket or a token. The caller stores the header. */
  drawNumber(): number {
    const number = this.header.counter + 1;
    this.header.counter = number;
    return number;
  }

  /**
   * Takes a free seat: round robin, so that one just left is not taken again at once under who still waits
   * for its byte, and so that the others keep the history. Grows the file when there is none.
   *
   * @param kept a seat that must stay as it is although nobody is there
   * @returns its number; undefined where there are as many participants as there can be
   */
  takeSeat(kept: number): number | undefined {
    for (;;) {
      const last = this.header.lastSeat;
      const { seats } = this;
      for (let step = 1; step <= seats; step++) {
        const seat = seatInTurn(last, step, seats);
        if (seat === kept) continue;
        // Only seats beyond the first page take two writes.
        if (seat <= firstPageSeats && isFaultWanted("between")) continue;
        if (this.isLive(seat) || !this.#locks.tryTake(seat)) continue;
        this.#image.clearSeat(seat);
        this.header.lastSeat = seat;
        return seat;
      }
      const pages = this.#image.bytes.length / pageBytes;
      if (pages === maxPages) return undefined;
      this.#file.allocate((pages + 1) * pageBytes);
      this.#file.resizeImage((pages + 1) * pageBytes);
      this.header.pages = pages + 1;
      this.store();
    }
  }

  /** Asks the kernel whether anybody else takes part. */
  othersPresent(): boolean {
    return isAnySeatLocked(this.#descriptor);
  }

  /** See {@link overwrittenSeat}: that of another participant. */
  overwrittenSeat(): number {
    return overwrittenSeat(this.#image, this.#descriptor, this.#locks.mine);
  }

  /**
   * Leaves this participant's seat, and writes the header too; its bytes are free with the mutex.
   *
   * @param ending how it ended: a state from `released` on
   */
  leaveSeat(ending: number): void {
    const { mine } = this.#locks;
    if (mine === 0) return;
    if (mine <= this.seats) {
      const seat = this.seat(mine);
      seat.ticket = 0;
      seat.state = ending;
    }
    // Nobody looks at the companion byte of an empty seat: it must not be left locked for whoever takes that next.
    this.#locks.endCompanion();
    this.store("seat");
    faultPoint("seat-left");
    this.#locks.leave();
    this.#shrink();
  }

  /** Lets go of the seat without a word in the ledger, which is damaged or cannot be had. */
  abandonSeat(): void {
    if (this.#locks.mine !== 0) this.#locks.abandon();
  }

  /** After many participants: gives the pages back, once nobody is there. */
  #shrink(): void {
    if (this.#image.bytes.length / pageBytes <= pagesAtRest) return;
    // This one's own byte, which is still locked, does not count as another's.
    if (this.othersPresent()) return;
    this.header.pages = 1;
    this.header.lastSeat = 0;
    this.store();
    this.#file.truncate(pageBytes);
  }

  /** Shows those behind this participant whether it waits in a group: {@link blockWhileWaiting}. */
  lockWaitingByte(): void {
    this.#locks.lockWaitingByte();
  }

  unlockWaitingByte(): void {
    this.#locks.unlockWaitingByte();
  }

  /** Blocks until a seat's byte is free; false where a signal came first. */
  blockUntilLeft(seat: number): boolean {
    return this.#locks.waitForSeat(seat);
  }

  /** Blocks until a seat of a group no longer waits, as it was granted or left; false where a signal came first. */
  blockWhileWaiting(seat: number): boolean {
    return this.#locks.waitForWaitingByte(seat);
  }

  /**
   * Blocks until a seat is left, for `seconds` at most. Unlike {@link blockUntilLeft} it is not woken by a death, but
   * has a limit of its own: for the library, which has no timer. This participant's seat says so in its flags.
   */
  blockOnFutex(seat: number, seconds: number): void {
    // The low half of its ticket.
    const expected = this.seat(seat).ticket % 2 ** 32;
    this.#futexFile().wait(seat * entryBytes, expected, seconds);
  }

  /** Asks the kernel whether a seat's byte is locked by another participant; needs no mutex. */
  isSeatLocked(seat: number): boolean {
    return isSeatLocked(this.#descriptor, seat);
  }

  /** Asks the kernel whether a seat of a group waits; needs no mutex. */
  isWaitingByteLocked(seat: number): boolean {
    return this.#locks.isWaitingByteLocked(seat);
  }

  /** A descriptor for a command that is to keep the seat as long as it lives. */
  handOn(lowestDescriptor: number): number {
    return this.#locks.handOn(lowestDescriptor);
  }

  close(): void {
    this.#futexes?.close();
    this.#futexes = undefined;
    this.#locks.close();
  }

  /** Closes the ledger, and deletes it where it has just been created and still has its name. */
  discard(): void {
    if (this.#createdPath !== undefined) deleteIfSame(this.#createdPath, this.#descriptor);
    this.close();
  }
}
