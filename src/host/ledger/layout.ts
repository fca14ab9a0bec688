/**
 * The layout of a ledger and its image in memory: which word says what. Pure: it knows no file and no byte locks.
 *
 * All zeros are a valid, empty ledger. The first 128 bytes are the header, each further 128 a seat; little endian,
 * as both architectures are. Times are microseconds, since 1970 or, where it says so, of the monotonic clock.
 */
import { LockDamagedError } from "../../lock/errors.ts";
import { messageIn, putMessage, putSlotName, slotNameIn } from "./seat-texts.ts";
import { isKindSane } from "./seat-words.ts";

export const entryBytes = 128;
const entryWords = entryBytes / 4;
export const pageBytes = 4096;
export const maxPages = 32;
/** 1,023: the header takes the place of another one. */
export const maxSeats = (maxPages * pageBytes) / entryBytes - 1;
/** The seats of the first page, which one system call writes together with the header. */
export const firstPageSeats = pageBytes / entryBytes - 1;

export const magic = 0x6b636c72; // "rlck"
const version = 1;
/** A later date than 2112 is nobody's, and tokens that begin at one have numbers left. */
const maxDate = 2 ** 52;

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

/** Added to the number of a field's first word: the field takes two words, the low one first. */
const wide = entryWords;

/** The fields of the header, by their words. */
export const headerFields = {
  /** Magic and version, 0 in a new ledger. */
  magic: 0,
  version: 1,
  /** Tickets and tokens are drawn from it. It begins at the microseconds since 1970. */
  counter: wide + 2,
  /** One of {@link lockStates}. */
  state: 4,
  /** Hash of the info text as it was when the lock was last seen free or detached. */
  notedHash: 5,
  /** Hash of the info text that the holder writes. */
  holderHash: 6,
  /** Seat of the holder, the first of a group. */
  holderSeat: 7,
  /** Token of the grant. */
  token: wide + 8,
  grantedAt: wide + 10,
  /** When the lock was released, monotonic. */
  freedAt: wide + 12,
  /** The process that a detached hold is bound to, 0 for none. */
  boundProcess: 14,
  /** The semaphore that the unit was taken from: the low half of its inode number. */
  semaphore: 15,
  /** Start time of the bound process, in clock ticks since the host's start; and above its 48 bits `boundNamespace`. */
  boundStart: wide + 16,
  /** The seat that was taken last. */
  lastSeat: 18,
  /** How many pages the file has, 0 for one. */
  pages: 19,
  /** Since when the unit is missing without an explanation, monotonic; 0 while it is not. */
  missingSince: wide + 20,
  /** When somebody last saw the unit missing, monotonic. */
  missingSeen: wide + 22,
  /** When a seat was evicted last, monotonic. */
  evictedAt: wide + 24,
  /** How many grants there were. */
  grants: wide + 26,
  /** How many of the grants took over from a holder that died. */
  recoveries: wide + 28,
  /** The first waiter, when it could take the lock and has not done so, as `noteOf` in stall.ts has it; 0 for none. */
  stalledTicket: 30,
  /** Since when it could, monotonic in the time namespace of the note, in milliseconds: the low half. */
  stalledSince: 31,
} as const;

/** The fields of a seat, by their words. */
export const seatFields = {
  /** 0 for a seat that was left: the rest is the history of the lock until the seat is taken again. */
  ticket: wide + 0,
  process: 2,
  /** One of `kinds` in queue.ts, and flags: see `seatKind` in seat-words.ts. */
  kind: 3,
  /** How many slots its participant asked for; and how its command ended: see `seatExitStatus`. */
  slots: 4,
  /** One of {@link seatStates}. */
  state: 5,
  /** One of `evictions`, and who did it: see `evictedBy`. */
  evicted: 6,
  /** The number of its slot. */
  slot: 7,
  /** Since when it waits, or waited. */
  since: wide + 8,
  /** Token of its grant, 0 for none. */
  token: wide + 10,
  grantedAt: wide + 12,
  /** When its hold or its wait ended, 0 while it has not. */
  endedAt: wide + 14,
  /** Bits of `seatFlags`; and from bit 3 on, how far the clock was ahead: see seat-time.ts. */
  flags: 16,
} as const;

/** The rest of a seat: its texts, in UTF-8. */
export const messageStart = 68;

type Fields<Layout> = { -readonly [Name in keyof Layout]: number };

/** The header, by its fields. */
export interface Header extends Fields<typeof headerFields> {
  /** Where that and the process number mean something: as `ownStartNamespace` has it. */
  boundNamespace: number;
}

/** A seat, by its fields. */
export type Seat = Fields<typeof seatFields> & { message: string; slotName: string };

/** An entry of an image: the header, or a seat. Its fields are accessors that {@link entryPrototype} makes. */
interface ImageEntry {
  image: LedgerImage;
  index: number;
}

/** Accessors for the fields of a layout: whoever uses a field need not know how wide it is. */
function entryPrototype(layout: Readonly<Record<string, number>>): object {
  const prototype = {};
  for (const [name, place] of Object.entries(layout)) {
    const word = place % entryWords;
    Object.defineProperty(prototype, name, place < wide ? narrowField(word) : wideField(word));
  }
  return prototype;
}

function narrowField(word: number): PropertyDescriptor & ThisType<ImageEntry> {
  return {
    get() {
      return this.image.words[this.index * entryWords + word] ?? 0;
    },
    set(value: number) {
      this.image.words[this.index * entryWords + word] = value;
      this.image.markChanged(this.index);
    },
  };
}

function wideField(word: number): PropertyDescriptor & ThisType<ImageEntry> {
  return {
    get() {
      const { words } = this.image;
      const at = this.index * entryWords + word;
      return (words[at] ?? 0) + (words[at + 1] ?? 0) * 2 ** 32;
    },
    set(value: number) {
      const { words } = this.image;
      const at = this.index * entryWords + word;
      words[at] = value % 2 ** 32;
      words[at + 1] = Math.floor(value / 2 ** 32);
      this.image.markChanged(this.index);
    },
  };
}

/** The 16 bits of `boundNamespace` are the upper ones of the second word of `boundStart`. */
const boundWord = headerFields.boundStart % entryWords;
const boundUnit = 2 ** 16;

const headerPrototype = Object.create(entryPrototype(headerFields), {
  boundStart: {
    get(this: ImageEntry) {
      const { words } = this.image;
      return (words[boundWord] ?? 0) + ((words[boundWord + 1] ?? 0) % boundUnit) * 2 ** 32;
    },
    set(this: ImageEntry & Header, start: number) {
      const { words } = this.image;
      words[boundWord] = start % 2 ** 32;
      words[boundWord + 1] = Math.floor(start / 2 ** 32) + this.boundNamespace * boundUnit;
      this.image.markChanged(this.index);
    },
  },
  boundNamespace: {
    get(this: ImageEntry) {
      return (this.image.words[boundWord + 1] ?? 0) >>> 16;
    },
    set(this: ImageEntry, namespace: number) {
      const { words } = this.image;
      words[boundWord + 1] = ((words[boundWord + 1] ?? 0) % boundUnit) + namespace * boundUnit;
      this.image.markChanged(this.index);
    },
  },
});
function textGetter(read: (bytes: Uint8Array) => string) {
  return function get(this: ImageEntry): string {
    return read(this.image.textBytes(this.index));
  };
}

function textSetter(put: (bytes: Uint8Array, text: string) => void) {
  return function set(this: ImageEntry, text: string): void {
    put(this.image.textBytes(this.index), text);
    this.image.markChanged(this.index);
  };
}

const seatPrototype = Object.defineProperties(entryPrototype(seatFields), {
  message: {
    get: textGetter(messageIn),
    set: textSetter(putMessage),
  },
  slotName: {
    get: textGetter(slotNameIn),
    set: textSetter(putSlotName),
  },
});

/** A header or a seat, as the prototype has it. */
function entryOf(prototype: object, image: LedgerImage, index: number): Header & Seat {
  const entry = Object.create(prototype);
  entry.image = image;
  entry.index = index;
  return entry;
}

/** Whether the bytes are those of a ledger. */
export type Soundness =
  { readonly kind: "sound" | "new" } | { readonly kind: "damaged"; readonly reason: string };

const sound: Soundness = { kind: "sound" };
const isNew: Soundness = { kind: "new" };

/** The bytes of a ledger in memory, and which entries were changed since they were read. */
export class LedgerImage {
  bytes = new Uint8Array(pageBytes);
  words = new Uint32Array(this.bytes.buffer);
  readonly header: Header = entryOf(headerPrototype, this, 0);
  readonly #seats: Seat[] = [];
  #taken: number[] | undefined;
  /** The range of changed entries of the first page. */
  firstChanged = Infinity;
  lastChanged = -1;
  readonly changedBeyond = new Set<number>();

  /** A seat, from 1 on. Its fields are 0 where there is no such seat. */
  seat(number: number): Seat {
    return (this.#seats[number] ??= entryOf(seatPrototype, this, number));
  }

  /** How many seats there are now. */
  get seats(): number {
    return this.bytes.length / entryBytes - 1;
  }

  /** How many bytes the header says that the file has. */
  get statedBytes(): number {
    return Math.max(1, this.header.pages) * pageBytes;
  }

  /**
   * The seats that had a ticket when the data was loaded, of whoever is alive or dead. One loop over the bare words,
   * as there are 31 seats at least and mostly none is taken.
   */
  get taken(): readonly number[] {
    if (this.#taken === undefined) {
      this.#taken = [];
      const { words } = this;
      for (let at = entryWords; at < words.length; at += entryWords) {
        if (words[at] !== 0 || words[at + 1] !== 0) this.#taken.push(at / entryWords);
      }
    }
    return this.#taken;
  }

  markChanged(entry: number): void {
    if (entry > firstPageSeats) {
      this.changedBeyond.add(entry);
      return;
    }
    if (entry < this.firstChanged) this.firstChanged = entry;
    if (entry > this.lastChanged) this.lastChanged = entry;
  }

  /** Nothing was changed as far as the first page is concerned, as it was just stored. */
  firstPageStored(): void {
    this.firstChanged = Infinity;
    this.lastChanged = -1;
  }

  /** Forgets what was derived from bytes that are now replaced. */
  loaded(): void {
    this.firstPageStored();
    this.changedBeyond.clear();
    this.#taken = undefined;
  }

  /** Empties a seat for somebody who takes it. */
  clearSeat(number: number): void {
    this.words.fill(0, number * entryWords, (number + 1) * entryWords);
    this.markChanged(number);
    this.#taken = undefined;
  }

  /** Makes the image longer or shorter; what is new is zeros. */
  resize(bytes: number): void {
    const previous = this.bytes;
    this.bytes = new Uint8Array(bytes);
    this.bytes.set(previous.subarray(0, Math.min(bytes, previous.length)));
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /**
   * Begins a ledger in place of whatever there was.
   *
   * @param usedAt when the lock was used last, as far as anybody knows: microseconds since 1970
   */
  begin(usedAt = 0): void {
    this.bytes.fill(0);
    this.header.magic = magic;
    this.header.version = version;
    // Tokens rise also across a reboot and a ledger that was deleted, unless nothing of the lock outlived it and the
    // clock is set back then. While a ledger lives they rise in any case.
    this.header.counter = Math.max(Date.now() * 1000, usedAt < maxDate ? usedAt : 0);
  }

  /** Whether anybody has ever used the ledger: it starts with what no other file starts with. */
  get isBegun(): boolean {
    return this.header.magic === magic;
  }

  /** Whether this is a ledger that can be used. */
  soundness(): Soundness {
    const { header } = this;
    if (header.magic === 0 && this.#isEmpty()) return isNew;
    if (header.magic !== magic) return { kind: "damaged", reason: "it does not start as one" };
    if (header.version !== version) {
      const reason = `it is of version ${header.version}, not ${version}`;
      return { kind: "damaged", reason };
    }
    const makesSense =
      header.pages <= maxPages &&
      header.state <= lockStates.detached &&
      Number.isSafeInteger(header.counter);
    return makesSense ? sound : { kind: "damaged", reason: "its header makes no sense" };
  }

  #isEmpty(): boolean {
    return this.bytes.subarray(0, entryBytes).every((byte) => byte === 0);
  }

  /** Whether a seat says what a participant might have written. */
  isSane(number: number): boolean {
    const seat = this.seat(number);
    const { ticket, token, state, slot } = seat;
    const { counter } = this.header;
    const isState = state >= seatStates.waiting && state <= seatStates.detached;
    const isDrawn = ticket > 0 && ticket <= counter && token <= counter;
    const areDates = [seat.since, seat.grantedAt, seat.endedAt].every((time) => time < maxDate);
    return isState && isKindSane(seat) && isDrawn && slot < maxSeats && areDates;
  }

  /** Whether a seat has the history of one that was left; a daemon may have its byte still. */
  wasLeft(number: number): boolean {
    const { ticket, state, since, endedAt } = this.seat(number);
    return ticket === 0 && state >= seatStates.released && (since !== 0 || endedAt !== 0);
  }

  /** The texts of a seat: seat-texts.ts. */
  textBytes(seat: number): Uint8Array {
    const start = seat * entryBytes;
    return this.bytes.subarray(start + messageStart, start + entryBytes);
  }
}

/** What a ledger says and what the kernel says of its seats: all that the rules of queue.ts and decide.ts look at. */
export interface LedgerState {
  readonly header: Readonly<Header>;
  readonly seats: number;
  /** See {@link LedgerImage.taken}. */
  readonly taken: readonly number[];
  seat(number: number): Readonly<Seat>;
  /** Whether a seat is somebody's who lives: its ticket is set and its byte is locked. */
  isLive(seat: number): boolean;
}

/** The error for a ledger that cannot be used. */
export function damagedLedger(lockName: string, reason: string, more = ""): LockDamagedError {
  return new LockDamagedError(
    `Cannot use lock "${lockName}": its ledger is damaged (${reason})${more}`,
  );
}
