import { describe, expect, test } from "bun:test";
import {
  firstPageSeats,
  headerFields,
  LedgerImage,
  maxSeats,
  messageStart,
  pageBytes,
  seatFields,
  seatStates,
} from "../../../src/host/ledger/layout.ts";
import {
  evictedBy,
  evictionOf,
  evictions,
  evictorOf,
  hasKindFlag,
  isEvictorOf,
  namespaceOf,
  seatKind,
  withKindFlags,
  withNamespace,
} from "../../../src/host/ledger/seat-words.ts";
import { isEvicted } from "../../../src/host/ledger/queue.ts";

const wide = 32;

/** The words that a layout's fields take, the same one more than once where two fields share it. */
function wordsOf(fields: Record<string, number>): number[] {
  return Object.values(fields).flatMap((place) =>
    place < wide ? [place] : [place - wide, place - wide + 1],
  );
}

describe("the layout", () => {
  test.each([
    ["header", headerFields, 32],
    ["seat", seatFields, messageStart / 4],
  ] as const)(
    "of a %s has no two fields in one word, and none beyond its end",
    (_, fields, end) => {
      const words = wordsOf(fields);
      expect(new Set(words).size).toBe(words.length);
      expect(Math.max(...words)).toBeLessThan(end);
    },
  );

  test("of version 1 stays what running programs know", () => {
    expect(headerFields).toMatchInlineSnapshot(`
      {
        "boundProcess": 14,
        "boundStart": 48,
        "counter": 34,
        "evictedAt": 56,
        "freedAt": 44,
        "grantedAt": 42,
        "grants": 58,
        "holderHash": 6,
        "holderSeat": 7,
        "lastSeat": 18,
        "magic": 0,
        "missingSeen": 54,
        "missingSince": 52,
        "notedHash": 5,
        "pages": 19,
        "recoveries": 60,
        "semaphore": 15,
        "stalledSince": 31,
        "stalledTicket": 30,
        "state": 4,
        "token": 40,
        "version": 1,
      }
    `);
    expect(seatFields).toMatchInlineSnapshot(`
      {
        "endedAt": 46,
        "evicted": 6,
        "flags": 16,
        "grantedAt": 44,
        "kind": 3,
        "process": 2,
        "since": 40,
        "slot": 7,
        "slots": 4,
        "state": 5,
        "ticket": 32,
        "token": 42,
      }
    `);
  });

  test("has 31 seats in the first page and 1,023 in all", () => {
    expect(firstPageSeats).toBe(31);
    expect(maxSeats).toBe(1023);
  });
});

describe("the namespaces of process numbers", () => {
  test("withNamespace() and namespaceOf() leave kind and flags as they are", () => {
    const kind = withNamespace({ kind: withKindFlags({ kind: 2 }, "newest") }, 0xffff);
    expect(namespaceOf({ kind })).toBe(0xffff);
    expect(seatKind({ kind })).toBe(2);
    expect(hasKindFlag({ kind }, "newest")).toBe(true);
    expect(namespaceOf({ kind: 1 })).toBe(0);
  });

  test("isEvictorOf() tells whether a number is one of that namespace", () => {
    const here = { evicted: evictedBy(evictions.evicted, 4711, 300) };
    expect(evictorOf(here)).toBe(4711);
    expect(evictionOf(here)).toBe(evictions.evicted);
    expect(isEvictorOf(here, 300)).toBe(true);
    expect(isEvictorOf(here, 301)).toBe(false);
    expect(isEvictorOf(here, 0)).toBe(false);
    // As on a host without containers, and by an older program.
    expect(isEvictorOf({ evicted: evictedBy(evictions.evicted, 4711) }, 0)).toBe(true);
  });

  test("the header keeps the start time and the namespace of an owner apart", () => {
    const { header } = new LedgerImage();
    header.boundNamespace = 0xfedc;
    header.boundStart = 2 ** 40 + 7;
    expect(header.boundNamespace).toBe(0xfedc);
    header.boundNamespace = 0;
    expect(header.boundStart).toBe(2 ** 40 + 7);
    header.boundNamespace = 1;
    expect(header.boundStart).toBe(2 ** 40 + 7);
  });
});

describe("the kind of a seat", () => {
  const upperHalf = 0xabcd0000;

  test("seatKind() reads the kind whatever else the word says", () => {
    expect(seatKind({ kind: upperHalf + 2 ** 8 + 2 })).toBe(2);
    expect(seatKind({ kind: 1 })).toBe(1);
  });

  test("withKindFlags() keeps the kind, the upper half and the flags that there are", () => {
    const once = withKindFlags({ kind: upperHalf + 1 }, "newest");
    const kind = withKindFlags({ kind: once }, "newest", "askedToLeave");
    expect(kind).toBe(upperHalf + 2 ** 8 + 2 ** 10 + 1);
    expect(seatKind({ kind })).toBe(1);
    const flags = ["newest", "replace", "askedToLeave", "endsByRelease", "crowded"] as const;
    expect(flags.filter((flag) => hasKindFlag({ kind }, flag))).toEqual(["newest", "askedToLeave"]);
  });

  test.each([
    ["a kind", 2, true],
    ["a kind, all flags and the upper half", upperHalf + 0x3f02, true],
    ["no kind that there is", 3, false],
    ["a flag that there is not", 2 ** 14, false],
  ])("isSane() of a seat with %s", (_, kind, isSane) => {
    const image = new LedgerImage();
    image.header.counter = 5;
    Object.assign(image.seat(1), { ticket: 5, state: seatStates.waiting, kind });
    expect(image.isSane(1)).toBe(isSane);
  });

  test.each([
    [
      "of a grant",
      { token: 5, slot: maxSeats - 1, since: 2 ** 51, grantedAt: 1, endedAt: 1 },
      true,
    ],
    ["a token that nobody drew", { token: 6 }, false],
    ["a slot that there is not", { slot: maxSeats }, false],
    ["a date that is nobody's", { since: 2 ** 52 }, false],
    ["a grant at such a date", { grantedAt: 2 ** 60 }, false],
    ["an end at such a date", { endedAt: 2 ** 53 }, false],
  ])("isSane() of a seat with the words %s", (_, words, isSane) => {
    const image = new LedgerImage();
    image.header.counter = 5;
    Object.assign(image.seat(1), { ticket: 5, state: seatStates.holding, ...words });
    expect(image.isSane(1)).toBe(isSane);
  });
});

describe("the eviction of a seat", () => {
  test("evictedBy() keeps the process apart from what was done to the seat", () => {
    const forced = { evicted: evictedBy(evictions.evicted, 4_194_303) };
    expect({ eviction: evictionOf(forced), by: evictorOf(forced) }).toEqual({
      eviction: evictions.evicted,
      by: 4_194_303,
    });
    const asked = { evicted: evictedBy(evictions.none, 12) };
    expect({ isEvicted: isEvicted(asked), by: evictorOf(asked) }).toEqual({
      isEvicted: false,
      by: 12,
    });
  });
});

describe("LedgerImage", () => {
  test("has each field where the table says, and no other field changes with it", () => {
    const image = new LedgerImage();
    const entries = [
      [image.header, headerFields, 0],
      [image.seat(3), seatFields, 3],
    ] as const;
    for (const [entry, fields, index] of entries) {
      for (const [name, place] of Object.entries(fields)) {
        image.bytes.fill(0);
        // What a start time needs is less than its words have.
        const wideValue = (name === "boundStart" ? 2 ** 47 : 2 ** 52) + 0x89abcdef;
        const value = place < wide ? 0xfedcba98 : wideValue;
        Object.assign(entry, { [name]: value });
        const word = index * 32 + (place % wide);
        const high = place < wide ? 0 : (image.words[word + 1] ?? 0) * 2 ** 32;
        const read = (image.words[word] ?? 0) + high;
        expect({ [name]: read }).toEqual({ [name]: value });
        expect({ [name]: Reflect.get(entry, name) }).toEqual({ [name]: value });
        expect(image.words.filter((other) => other !== 0)).toHaveLength(place < wide ? 1 : 2);
      }
    }
  });

  test("seat() reads a ticket that is a multiple of 2^32 as one that is set", () => {
    const image = new LedgerImage();
    image.seat(1).ticket = 3 * 2 ** 32;
    image.loaded();
    expect(image.seat(1).ticket).toBe(3 * 2 ** 32);
    expect(image.taken).toEqual([1]);
  });

  test("knows which entries were changed", () => {
    const image = new LedgerImage();
    image.resize(3 * pageBytes);
    image.seat(5).kind = 1;
    image.seat(2).kind = 1;
    image.seat(40).kind = 1;
    expect({ first: image.firstChanged, last: image.lastChanged }).toEqual({ first: 2, last: 5 });
    expect([...image.changedBeyond]).toEqual([40]);
    image.loaded();
    expect(image.lastChanged).toBe(-1);
    expect(image.changedBeyond.size).toBe(0);
  });

  test("cuts a message to whole characters, and keeps it when it is made longer", () => {
    const image = new LedgerImage();
    const seat = image.seat(2);
    seat.message = `${"x".repeat(58)}€`;
    expect(seat.message).toBe("x".repeat(58));
    seat.message = "y".repeat(60);
    image.resize(2 * pageBytes);
    expect(seat.message).toBe("y".repeat(60));
    expect(image.seat(3).message).toBe("");
  });

  test("keeps the name of a slot behind the message, which gives way to it", () => {
    const image = new LedgerImage();
    const seat = image.seat(2);
    seat.message = "flash blink";
    expect(seat.slotName).toBe("");
    seat.slotName = "ttyUSB0";
    expect({ message: seat.message, slotName: seat.slotName }).toEqual({
      message: "flash blink",
      slotName: "ttyUSB0",
    });
    seat.message = "y".repeat(60);
    expect(seat.slotName).toBe("");
    seat.slotName = "ttyUSB1";
    expect({ message: seat.message, slotName: seat.slotName }).toEqual({
      message: "y".repeat(52),
      slotName: "ttyUSB1",
    });
    seat.slotName = "ü".repeat(100);
    expect({ message: seat.message, slotName: seat.slotName }).toEqual({
      message: "y".repeat(25),
      slotName: "ü".repeat(17),
    });
    expect(image.seat(3).message).toBe("");
  });

  test("soundness() tells a new ledger from a damaged one, and says what is wrong", () => {
    const image = new LedgerImage();
    expect(image.soundness().kind).toBe("new");
    image.begin();
    expect(image.soundness().kind).toBe("sound");
    image.header.version = 2;
    expect(image.soundness()).toEqual({
      kind: "damaged",
      reason: "it is of version 2, not 1",
    });
    image.begin();
    image.header.state = 3;
    expect(image.soundness()).toEqual({ kind: "damaged", reason: "its header makes no sense" });
    image.begin();
    image.header.counter = 2 ** 60;
    expect(image.soundness()).toEqual({ kind: "damaged", reason: "its header makes no sense" });
    image.bytes.fill(0);
    image.bytes[100] = 1;
    expect(image.soundness()).toEqual({ kind: "damaged", reason: "it does not start as one" });
  });
});
