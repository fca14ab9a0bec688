/**
 * The ledger of a lock: who holds and who waits, as data in /dev/shm/NAME.ledger, and the kernel's byte locks
 * that vouch for it. What is done with it is in participant.ts.
 *
 * All zeros are a valid, empty ledger. The first 128 bytes are the header, each further 128 a seat; little
 * endian, as both architectures are. A number over 32 bits takes two words, the low one first. Times are
 * microseconds, since 1970 or, where it says so, of the monotonic clock.
 *
 * | word of the header | |
 * |---|---|
 * | 0, 1 | magic and version, 0 in a new ledger |
 * | 2, 3 | the counter that tickets and tokens are drawn from, from the microseconds since 1970 on |
 * | 4 | state: 0 free, 1 held, 2 detached |
 * | 5 | hash of the info text as it was when the lock was last seen free or detached |
 * | 6 | hash of the info text that the holder writes |
 * | 7 | seat of the holder, the first of a group |
 * | 8, 9 | token of the grant |
 * | 10, 11 | when it was granted |
 * | 12, 13 | when it was released, monotonic |
 * | 14 | the process that a detached hold is bound to, 0 for none |
 * | 15 | the semaphore that the unit was taken from: the low half of its inode number |
 * | 16, 17 | the bound process's start time, clock ticks since the host's start |
 * | 18 | the seat last taken |
 * | 19 | pages that the file has, 0 for one |
 * | 20, 21 | since when the unit is missing without an explanation, monotonic; 0 while it is not |
 * | 22, 23 | when somebody saw that last, monotonic |
 * | 24, 25 | when a seat was evicted last, monotonic |
 * | 26, 27 | how many grants there were |
 * | 28, 29 | how many of them were recoveries |
 *
 * | word of a seat | |
 * |---|---|
 * | 0, 1 | ticket, 0 for a seat that was left: the rest is the history of the lock until it is taken again |
 * | 2 | process |
 * | 3 | kind: 0 exclusive, 1 shared, 2 slots |
 * | 4 | how many slots there are |
 * | 5 | what it does: see {@link seatStates} |
 * | 6 | whether its rights were taken from it: see {@link evictions} |
 * | 7 | slot number |
 * | 8, 9 | since when it waits, or waited |
 * | 10, 11 | token of its grant, 0 for none |
 * | 12, 13 | when it was granted |
 * | 14, 15 | when that ended, 0 while it has not |
 * | 16 | 1 where it naps while it waits: {@link Ledger.napUntilLeft} |
 * | 17 to 31 | the first bytes of its message, UTF-8, ended by NUL unless full |
 */
import {
  isLockedByOther,
  lockByte,
  tryLockByte,
  tryShareByte,
  unlockByte,
  waitForByte,
} from "../../posix/byte-lock.ts";
import {
  addressOf,
  closeFile,
  deleteFile,
  descriptorStatus,
  duplicate,
  openToReadWrite,
  readAt,
  truncateFile,
  writeFrom,
} from "../../posix/file.ts";
import { faultPoint, isFaultWanted } from "../../posix/fault-point.ts";
import { FutexFile } from "../../posix/futex.ts";
import { PosixError } from "../../posix/libc.ts";
import { LockDamagedError } from "../../lock/errors.ts";
import { explanation } from "../objects/explanation.ts";
import { objectsOf } from "../../lock/name.ts";
import { allocateSharedFile } from "../objects/shared-file.ts";

const entryBytes = 128;
const entryWords = entryBytes / 4;
const pageBytes = 4096;
/** What a ledger is made with. */
export const newLedgerBytes = pageBytes;
const mostPages = 32;
/** 1,023: the header stands where another one would. */
const mostSeats = (mostPages * pageBytes) / entryBytes - 1;
/** What a lock at rest may keep. */
const pagesAtRest = 4;
/** Those of the first page, which one system call writes together with the header. */
const firstPageSeats = pageBytes / entryBytes - 1;

const magic = 0x6b636c72; // "rlck"
const version = 1;

/** Who only looks tries so often to get the mutex, which is held for microseconds, a millisecond apart. */
const looksForMutex = 20;

/**
 * Byte locks lie beyond all data: the mutex, then a byte for each seat, then another one for each seat: who is
 * of a group locks that one until it is granted, as those behind it wait for just that.
 */
const mutexByte = 2 ** 30;
const allSeatBytes = mutexByte + 1;
const waitingBytes = mutexByte + 2 ** 11;

/** The header's place among the entries; seats follow it, from 1 on. */
export const header = 0;

/** What the record says; with the semaphore and the info text it tells who has the unit. */
export const lockStates = { free: 0, held: 1, detached: 2 } as const;

/** What a seat's participant does; from `released` on, how it ended. */
export const seatStates = {
  waiting: 1,
  /** It waits for the semaphore outside the mutex, and may have got the unit already. */
  atSemaphore: 2,
  holding: 3,
  released: 4,
  forced: 5,
  recovered: 6,
  lapsed: 7,
  detached: 8,
} as const;

/** Whether a seat's rights were taken from it; and whether a unit that it may have got was adopted, too. */
export const evictions = { none: 0, evicted: 1, superseded: 2 } as const;

/** The words of the header. */
export const headerWords = {
  magic: 0,
  version: 1,
  counter: 2,
  state: 4,
  notedHash: 5,
  holderHash: 6,
  holderSeat: 7,
  token: 8,
  grantedAt: 10,
  freedAt: 12,
  boundProcess: 14,
  semaphore: 15,
  boundStart: 16,
  lastSeat: 18,
  pages: 19,
  missingSince: 20,
  missingSeen: 22,
  evictedAt: 24,
  grants: 26,
  recoveries: 28,
} as const;

/** The words of a seat. */
export const seatWords = {
  ticket: 0,
  process: 2,
  kind: 3,
  slots: 4,
  state: 5,
  evicted: 6,
  slot: 7,
  since: 8,
  token: 10,
  grantedAt: 12,
  endedAt: 14,
  naps: 16,
} as const;

const messageStart = 68;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Shared by all that only look, who do so one after the other: `list` looks at thousands. */
const onlookersPage = new Uint8Array(pageBytes);

/** The seat to try at a step, where `last` was the last one that was taken: first those of the first page, then others. */
function seatInTurn(last: number, step: number, seats: number): number {
  if (step <= firstPageSeats) return ((last + step - 1) % firstPageSeats) + 1;
  const stepBeyond = step - firstPageSeats - 1;
  const lastBeyond = Math.max(0, last - firstPageSeats);
  return firstPageSeats + ((lastBeyond + stepBeyond) % (seats - firstPageSeats)) + 1;
}

export class Ledger {
  readonly #descriptor: number;
  /** Of a description of its own once the other one was handed on: who inherits that must not have the mutex. */
  #mutexDescriptor: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #words: Uint32Array;
  /** Of the bytes in memory. */
  #address: number;
  /** Which entries {@link store} has to write: a range of the first page, and single ones beyond it. */
  #firstChanged = Infinity;
  #lastChanged = -1;
  readonly #changedBeyond = new Set<number>();
  #taken: number[] | undefined;
  /** The last message that was written, and its first bytes: most participants of a ledger have the same one. */
  #message = "";
  readonly #messageBytes = new Uint8Array(entryBytes - messageStart);
  /** The seat whose byte this description has locked: the kernel tells only about others' locks. */
  #mine = 0;
  /** Whether its other byte is locked, too. */
  #isShownWaiting = false;
  /** The seat that was left under the mutex, whose bytes are unlocked with it. */
  #left = 0;
  #futexes: FutexFile | undefined;
  #compared: Buffer | undefined;

  readonly lockName: string;

  readonly #createdPath: string | undefined;
  readonly #looksOnly: boolean;

  /**
   * @param descriptor of the ledger's file, opened for this object alone: byte locks are a description's
   * @param options.createdPath the file's name, where it has just been made
   * @param options.looksOnly for one who shows what there is, with a descriptor that may only read: nothing is ever
   * written, and a process that was stopped in the mutex is not waited for
   */
  constructor(
    descriptor: number,
    lockName: string,
    { createdPath, looksOnly = false }: { createdPath?: string; looksOnly?: boolean } = {},
  ) {
    this.#descriptor = descriptor;
    this.#mutexDescriptor = descriptor;
    this.lockName = lockName;
    this.#createdPath = createdPath;
    this.#looksOnly = looksOnly;
    this.#bytes = looksOnly ? onlookersPage : new Uint8Array(pageBytes);
    this.#words = new Uint32Array(this.#bytes.buffer);
    this.#address = addressOf(this.#bytes);
  }

  /** Whether the file still has its name. */
  get isLinked(): boolean {
    return descriptorStatus(this.#descriptor).links > 0;
  }

  /**
   * Runs `act` under the mutex, on the data as it is then. What `act` changes is written by {@link store},
   * between whose system calls this process may die.
   *
   * @throws {LockDamagedError}
   */
  transact<T>(act: () => T): T {
    if (this.#looksOnly) return this.#observe(act);
    lockByte(this.#mutexDescriptor, mutexByte);
    try {
      this.#load();
      return act();
    } finally {
      this.#unlock();
    }
  }

  /** Runs `act` on the data as it is; without the mutex where that cannot be had soon. */
  #observe<T>(act: () => T): T {
    let shared = tryShareByte(this.#descriptor, mutexByte);
    for (let tries = 0; !shared && tries < looksForMutex; tries++) {
      Bun.sleepSync(1);
      shared = tryShareByte(this.#descriptor, mutexByte);
    }
    try {
      this.#bytes.fill(0, readAt(this.#descriptor, this.#bytes));
      const damage = this.#damage();
      if (damage !== undefined && damage !== "") throw this.#damaged(damage);
      const bytes = Math.max(1, this.read(header, headerWords.pages)) * pageBytes;
      if (bytes !== this.#bytes.length) {
        this.#resize(bytes);
        this.#bytes.fill(0, readAt(this.#descriptor, this.#bytes));
      }
      return act();
    } finally {
      if (shared) unlockByte(this.#descriptor, mutexByte);
    }
  }

  /** Whether anybody has ever used it: it starts with what no other file starts with. */
  get isBegun(): boolean {
    return this.read(header, headerWords.magic) === magic;
  }

  #damaged(damage: string, more = ""): LockDamagedError {
    return new LockDamagedError(
      `Cannot use lock "${this.lockName}": its ledger is damaged (${damage})${more}`,
    );
  }

  /** Whether the file still has what was last seen under the mutex; needs no mutex. */
  get isUnchanged(): boolean {
    const { length } = this.#bytes;
    if (this.#compared?.length !== length) this.#compared = Buffer.alloc(length);
    // All of it: what an earlier look has left in the buffer must not stand for what was cut off.
    if (readAt(this.#descriptor, this.#compared) !== length) return false;
    return this.#compared.equals(this.#bytes) && this.isLinked;
  }

  /** Unlocks the mutex, and the seat that was left meanwhile; who naps because of it is woken. */
  #unlock(): void {
    const left = this.#left;
    this.#left = 0;
    this.#unlockWithSeat(left);
    if (left !== 0 && this.#hasNapper()) this.#futexFile().wake(left * entryBytes);
  }

  #hasNapper(): boolean {
    return this.taken.some(
      (seat) =>
        this.read(seat, seatWords.naps) !== 0 &&
        this.read(seat, seatWords.state) === seatStates.waiting,
    );
  }

  #futexFile(): FutexFile {
    return (this.#futexes ??= new FutexFile(this.#descriptor, mostPages * pageBytes));
  }

  #unlockWithSeat(left: number): void {
    const isOneDescription = this.#mutexDescriptor === this.#descriptor;
    if (left !== 0 && this.#mine === 0) {
      // All that this description has.
      unlockByte(this.#descriptor, mutexByte, 0);
      if (isOneDescription) return;
    } else if (left !== 0) {
      unlockByte(this.#descriptor, mutexByte + left);
      unlockByte(this.#descriptor, waitingBytes + left);
    }
    unlockByte(this.#mutexDescriptor, mutexByte);
  }

  #load(): void {
    [this.#firstChanged, this.#lastChanged] = [Infinity, -1];
    this.#changedBeyond.clear();
    this.#taken = undefined;
    let length = readAt(this.#descriptor, this.#bytes);
    if (length < entryBytes) this.#bytes.fill(0, length);
    const damage = this.#damage();
    if (damage !== undefined) {
      this.#begin(damage);
      length = this.#bytes.length;
    }
    const bytes = Math.max(1, this.read(header, headerWords.pages)) * pageBytes;
    if (bytes !== this.#bytes.length) {
      this.#resize(bytes);
      length = readAt(this.#descriptor, this.#bytes);
    }
    if (length < bytes) {
      // Somebody cut it short, or made it and died: what is missing is zeros, which are valid.
      this.#allocate(bytes);
      this.#bytes.fill(0, length);
      this.#doubtRecord();
    }
  }

  /** With seats gone, nobody can tell a living holder from a dead one: whoever has the unit is a stranger. */
  #doubtRecord(): void {
    if (this.#mine === 0 && !this.hasOthers) return;
    this.write(header, headerWords.state, lockStates.free);
    this.write(header, headerWords.notedHash, 0);
    this.store();
  }

  /** What is wrong with the header; "" where the ledger is new. */
  #damage(): string | undefined {
    const found = this.read(header, headerWords.magic);
    if (found === 0 && this.#entry(header).every((byte) => byte === 0)) return "";
    if (found !== magic) return "it does not start as one";
    const foundVersion = this.read(header, headerWords.version);
    if (foundVersion !== version) return `it is of version ${foundVersion}, not ${version}`;
    const makesSense =
      this.read(header, headerWords.pages) <= mostPages &&
      this.read(header, headerWords.state) <= lockStates.detached &&
      Number.isSafeInteger(this.readWide(header, headerWords.counter));
    return makesSense ? undefined : "its header makes no sense";
  }

  /** Starts the ledger anew, which must not happen under others who take part. */
  #begin(damage: string): void {
    if (damage !== "" && this.hasOthers) {
      throw this.#damaged(damage, ", and others use it");
    }
    truncateFile(this.#descriptor, 0);
    this.#allocate(pageBytes);
    this.#resize(pageBytes);
    this.#bytes.fill(0);
    this.write(header, headerWords.magic, magic);
    this.write(header, headerWords.version, version);
    // Tokens must rise across reboots too.
    this.writeWide(header, headerWords.counter, Date.now() * 1000);
    this.store();
  }

  #allocate(bytes: number): void {
    try {
      allocateSharedFile(this.#descriptor, bytes);
    } catch (error) {
      if (!(error instanceof PosixError)) throw error;
      throw explanation(this.lockName, objectsOf(this.lockName).ledgerPath, error);
    }
  }

  #resize(bytes: number): void {
    const previous = this.#bytes;
    this.#bytes = new Uint8Array(bytes);
    this.#bytes.set(previous.subarray(0, Math.min(bytes, previous.length)));
    this.#words = new Uint32Array(this.#bytes.buffer);
    this.#address = addressOf(this.#bytes);
  }

  /**
   * The seats that had a ticket when the data was loaded, of whoever is alive or dead. One loop over the bare words,
   * as there are 31 seats at least and mostly none is taken.
   */
  get taken(): readonly number[] {
    if (this.#taken === undefined) {
      this.#taken = [];
      const words = this.#words;
      for (let at = entryWords; at < words.length; at += entryWords) {
        if (words[at] !== 0 || words[at + 1] !== 0) this.#taken.push(at / entryWords);
      }
    }
    return this.#taken;
  }

  /** How many seats there are now. */
  get seats(): number {
    return this.#bytes.length / entryBytes - 1;
  }

  read(entry: number, word: number): number {
    return this.#words[entry * entryWords + word] ?? 0;
  }

  readWide(entry: number, word: number): number {
    return this.read(entry, word) + this.read(entry, word + 1) * 2 ** 32;
  }

  write(entry: number, word: number, value: number): void {
    this.#words[entry * entryWords + word] = value;
    this.#change(entry);
  }

  writeWide(entry: number, word: number, value: number): void {
    this.#words[entry * entryWords + word] = value % 2 ** 32;
    this.#words[entry * entryWords + word + 1] = Math.floor(value / 2 ** 32);
    this.#change(entry);
  }

  #change(entry: number): void {
    if (entry > firstPageSeats) {
      this.#changedBeyond.add(entry);
      return;
    }
    this.#firstChanged = Math.min(this.#firstChanged, entry);
    this.#lastChanged = Math.max(this.#lastChanged, entry);
  }

  /** The first bytes of a participant's message. */
  readMessage(seat: number): string {
    const bytes = this.#entry(seat).subarray(messageStart);
    const end = bytes.indexOf(0);
    return decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
  }

  writeMessage(seat: number, message: string): void {
    if (message !== this.#message) {
      this.#message = message;
      this.#messageBytes.fill(0);
      // Whole characters only.
      encoder.encodeInto(message, this.#messageBytes);
    }
    this.#bytes.set(this.#messageBytes, seat * entryBytes + messageStart);
    this.#change(seat);
  }

  /**
   * Writes what was changed: that of the first page in one system call, in which this process cannot be killed
   * half-way.
   *
   * @param first what is written first where one call is not enough: to take, the record; to leave, the seat
   */
  store(first: "record" | "seat" = "record"): void {
    if (first === "record") this.#storeFirstPage();
    for (const seat of this.#changedBeyond) {
      if (first === "record") faultPoint("between");
      this.#storeRange(seat, seat);
      if (first === "seat") faultPoint("between");
    }
    this.#changedBeyond.clear();
    if (first === "seat") this.#storeFirstPage();
  }

  #storeFirstPage(): void {
    if (this.#lastChanged < 0) return;
    this.#storeRange(this.#firstChanged, this.#lastChanged);
    [this.#firstChanged, this.#lastChanged] = [Infinity, -1];
  }

  #storeRange(from: number, to: number): void {
    const start = from * entryBytes;
    const length = (to + 1) * entryBytes - start;
    writeFrom(this.#descriptor, this.#address + start, length, start);
  }

  #entry(entry: number): Uint8Array {
    return this.#bytes.subarray(entry * entryBytes, (entry + 1) * entryBytes);
  }

  /** The next number for a ticket or a token. The caller stores the header. */
  draw(): number {
    const number = this.readWide(header, headerWords.counter) + 1;
    this.writeWide(header, headerWords.counter, number);
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
      const last = this.read(header, headerWords.lastSeat);
      const { seats } = this;
      for (let step = 1; step <= seats; step++) {
        const seat = seatInTurn(last, step, seats);
        if (seat === kept) continue;
        // Only seats beyond the first page take two writes.
        if (seat <= firstPageSeats && isFaultWanted("between")) continue;
        const free = this.read(seat, seatWords.ticket) === 0 || !this.isLive(seat);
        if (!free || !tryLockByte(this.#descriptor, mutexByte + seat)) continue;
        this.#words.fill(0, seat * entryWords, (seat + 1) * entryWords);
        this.#change(seat);
        this.write(header, headerWords.lastSeat, seat);
        if (this.#left === seat) {
          this.#left = 0;
          unlockByte(this.#descriptor, waitingBytes + seat);
        }
        this.#mine = seat;
        this.#taken = undefined;
        return seat;
      }
      const pages = this.#bytes.length / pageBytes;
      if (pages === mostPages) return undefined;
      this.#allocate((pages + 1) * pageBytes);
      this.#resize((pages + 1) * pageBytes);
      this.write(header, headerWords.pages, pages + 1);
      this.store();
    }
  }

  /** Whether a seat is somebody's who lives: its ticket is set and its byte is locked. */
  isLive(seat: number): boolean {
    if (this.read(seat, seatWords.ticket) === 0) return false;
    return seat === this.#mine || isLockedByOther(this.#descriptor, mutexByte + seat);
  }

  /** Whether a seat says what a participant might have written. */
  isSane(seat: number): boolean {
    const ticket = this.readWide(seat, seatWords.ticket);
    const state = this.read(seat, seatWords.state);
    const isState = state >= seatStates.waiting && state <= seatStates.detached;
    const isKind = this.read(seat, seatWords.kind) <= 2;
    return isState && isKind && ticket > 0 && ticket <= this.readWide(header, headerWords.counter);
  }

  /** Whether anybody else takes part, as far as the kernel knows. */
  get hasOthers(): boolean {
    return isLockedByOther(this.#descriptor, allSeatBytes, 0);
  }

  /**
   * A seat in which somebody else lives, and of which the ledger says nothing that makes sense, nor that it was left,
   * as somebody wrote over it or cut it off; 0 for none. Looks at all the seats that there can be.
   */
  overwrittenSeat(): number {
    if (!this.hasOthers) return 0;
    for (let seat = 1; seat <= mostSeats; seat++) {
      const isExplained = this.isSane(seat) || this.#wasLeft(seat);
      if (!isExplained && seat !== this.#mine && this.isSeatTaken(seat)) return seat;
    }
    return 0;
  }

  /** Whether a seat has the history of one that was left; a daemon may have its byte still. */
  #wasLeft(seat: number): boolean {
    return (
      this.readWide(seat, seatWords.ticket) === 0 &&
      this.read(seat, seatWords.state) >= seatStates.released &&
      (this.readWide(seat, seatWords.since) !== 0 || this.readWide(seat, seatWords.endedAt) !== 0)
    );
  }

  /**
   * Leaves this participant's seat, and writes the header too; its bytes are free with the mutex.
   *
   * @param ending how it ended: a state from `released` on
   */
  leaveSeat(ending: number): void {
    if (this.#mine === 0) return;
    const seat = this.#mine;
    if (seat <= this.seats) {
      this.writeWide(seat, seatWords.ticket, 0);
      this.write(seat, seatWords.state, ending);
    }
    this.store("seat");
    [this.#mine, this.#left] = [0, seat];
    this.#isShownWaiting = false;
    this.#shrink();
  }

  /** Lets go of the seat without a word in the ledger, which is damaged. */
  abandonSeat(): void {
    if (this.#mine === 0) return;
    unlockByte(this.#descriptor, allSeatBytes, 0);
    this.#mine = 0;
  }

  /** After many participants: gives the pages back, once nobody is there. */
  #shrink(): void {
    if (this.#bytes.length / pageBytes <= pagesAtRest) return;
    // This one's own byte, which is still locked, does not count as another's.
    if (this.hasOthers) return;
    this.write(header, headerWords.pages, 1);
    this.write(header, headerWords.lastSeat, 0);
    this.store();
    truncateFile(this.#descriptor, pageBytes);
    this.#resize(pageBytes);
  }

  /** Shows those behind this participant that it waits, or no longer: {@link waitForWaiting}. */
  showWaiting(waits: boolean): void {
    if (waits === this.#isShownWaiting || this.#mine === 0) return;
    this.#isShownWaiting = waits;
    if (waits) tryLockByte(this.#descriptor, waitingBytes + this.#mine);
    else unlockByte(this.#descriptor, waitingBytes + this.#mine);
  }

  /** Blocks until a seat's byte is free; false where a signal came first. */
  waitForSeat(seat: number): boolean {
    return waitForByte(this.#descriptor, mutexByte + seat);
  }

  /**
   * Blocks until a seat is left, for `seconds` at most. Unlike {@link waitForSeat} it is not woken by a death, but has
   * a limit of its own: for the library, which has no timer. Such a seat says that it `naps`.
   */
  napUntilLeft(seat: number, seconds: number): void {
    this.#futexFile().wait(seat * entryBytes, this.read(seat, seatWords.ticket), seconds);
  }

  /** Blocks until a seat of a group no longer waits, as it was granted or left; false where a signal came first. */
  waitForWaiting(seat: number): boolean {
    return waitForByte(this.#descriptor, waitingBytes + seat);
  }

  /** Whether a seat's byte is locked by another participant; needs no mutex. */
  isSeatTaken(seat: number): boolean {
    return isLockedByOther(this.#descriptor, mutexByte + seat);
  }

  /** Whether a seat of a group waits; needs no mutex. */
  isSeatWaiting(seat: number): boolean {
    return isLockedByOther(this.#descriptor, waitingBytes + seat);
  }

  /** A descriptor for a command that is to keep the seat as long as it lives. */
  handOn(lowestDescriptor: number): number {
    // The command inherits all locks of the description. With the mutex among them it would block everybody,
    // were this process killed while it has that.
    if (this.#mutexDescriptor === this.#descriptor) {
      this.#mutexDescriptor = openToReadWrite(`/proc/self/fd/${this.#descriptor}`);
    }
    return duplicate(this.#descriptor, lowestDescriptor);
  }

  close(): void {
    this.#futexes?.close();
    this.#futexes = undefined;
    if (this.#mutexDescriptor !== this.#descriptor) closeFile(this.#mutexDescriptor);
    closeFile(this.#descriptor);
  }

  /** Closes the ledger, and deletes it where it has just been made. */
  discard(): void {
    this.close();
    if (this.#createdPath !== undefined) deleteFile(this.#createdPath);
  }
}
