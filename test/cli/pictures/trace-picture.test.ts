import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Paint } from "../../../src/cli/terminal/colors.ts";
import type { Cell, CellKind, TraceRow } from "../../../src/cli/pictures/timeline.ts";
import { tracePicture } from "../../../src/cli/pictures/trace-picture.ts";
import type { HolderStatus } from "../../../src/index.ts";

const plain: Paint = (_, text) => text;
const marked: Paint = (style, text) => `<${style} ${text}>`;

/** Coloured, as the escapes of a colour have no width; taken away before a text is looked at. */
const dyed: Paint = (_, text) => `\u200B${text}`;

const holder: HolderStatus = {
  pid: 4242,
  command: "make deploy",
  since: 0,
  kind: "exclusive",
  attachment: "attached",
  token: 1,
  slot: null,
  slots: null,
};

/** Cells, by a letter each: m(issing), f(ree), b(riefly), h(eld), s(tale), u(nseen), or a count of waiters. */
function cellsOf(letters: string): Cell[] {
  const kinds: Record<string, CellKind> = {
    m: "missing",
    f: "free",
    b: "briefly",
    h: "held",
    s: "stale",
    u: "unseen",
  };
  return Array.from(letters).map((letter) => {
    const kind = kinds[letter];
    return kind === undefined
      ? { kind: "contended", waiters: Number.parseInt(letter, 36) }
      : { kind, waiters: 0 };
  });
}

function row(name: string, letters: string, parts: Partial<TraceRow> = {}): TraceRow {
  return {
    name,
    cells: cellsOf(letters),
    holders: [],
    holdSeconds: null,
    waiters: 0,
    longestWaitSeconds: null,
    grantsPerMinute: 0,
    ...parts,
  };
}

const held = { holders: [holder], holdSeconds: 192, waiters: 2, longestWaitSeconds: 12.3 };
const rows = [
  row("deploy", "mmffhh11", { ...held, grantsPerMinute: 31 }),
  row("nightly-backup", "ffbsu2cf"),
];
const looks = [0, 1, 2, 3, 4, 5, 6, 7];

const draw = (columns: number, lines: number, which = rows) =>
  tracePicture(which, looks, { columns, lines }, { paint: plain });

test("at 80 columns a lock has a line of words and a line of cells", () => {
  expect(draw(80, 24)).toEqual([
    "LOCK            HELD BY                        FOR  WAITING  LONGEST  GRANTS/MIN",
    "deploy          make deploy (4242)           3m12s        2      12s          31",
    "                                                                          ··██11",
    "nightly-backup  free                                      0        -           0",
    "                                                                        ··▌† 2+·",
    "                                                                             now",
    "· free  █ held  1-9 held, so many wait  ▌ held in between  † holder died",
  ]);
});

test("at 38 and 30 columns what matters least is left out", () => {
  expect(draw(38, 24)).toEqual([
    "LOCK      HELD BY         FOR  WAITING",
    "deploy    make deplo…   3m12s        2",
    "                                ··██11",
    "nightly…  free                       0",
    "                              ··▌† 2+·",
    "                                   now",
    "· free  █ held  1-9 held, so many wait",
    "▌ held in between  † holder died",
  ]);
  expect(draw(30, 24).slice(0, 2)).toEqual([
    "LOCK      HELD BY      WAITING",
    "deploy    make deplo…        2",
  ]);
});

test("in a low window the legend goes first, then the axis, the heads and the words, then locks", () => {
  const heads = (lines: number) => draw(80, lines).map((line) => line.trim().slice(0, 6));
  expect(heads(7)).toHaveLength(7);
  expect(heads(6)).toEqual(["LOCK  ", "deploy", "··██11", "nightl", "··▌† 2", "now"]);
  expect(heads(5)).toEqual(["LOCK  ", "deploy", "··██11", "nightl", "··▌† 2"]);
  expect(heads(4)).toEqual(["deploy", "··██11", "nightl", "··▌† 2"]);
  expect(draw(24, 3)).toEqual(["deploy            ··██11", "nightly…        ··▌† 2+·"]);
  expect(draw(40, 1)).toEqual(["2 more locks"]);
  expect(draw(40, 0)).toEqual([]);
});

test("no two kinds of cells have a glyph in common, whatever their colours", () => {
  const every = row("x", "mfbhsu1234567", {});
  const [, , line = ""] = tracePicture([every], looks, { columns: 13, lines: 24 }, { paint: dyed });
  const cells = line.replaceAll("\u200B", "");
  const glyphsIn = (letters: string) =>
    new Set(Array.from(cells).filter((_, index) => letters.includes("mfbhsu1234567"[index] ?? "")));
  const seen = ["f", "b", "h", "s", "1234567"].map(glyphsIn);
  expect(new Set(seen.flatMap((some) => Array.from(some))).size).toBe(4 + 7);
});

test("the legend is there in a low window too, when locks have one line each", () => {
  const many = Array.from({ length: 8 }, (_, index) => row(`lk${index}`, "h"));
  const picture = draw(40, 13, many);
  expect(picture).toHaveLength(10);
  expect(picture.slice(-2)).toEqual([
    "· free  █ held  1-9 held, so many wait",
    "▌ held in between  † holder died",
  ]);
  expect(draw(40, 9, many)).toHaveLength(8);
});

test("cells that there is no room for are the oldest", () => {
  const [, , cells] = draw(8, 24, [row("x", "ffffhh11hhhh")]);
  expect(cells).toBe("hh11hhhh".replaceAll("h", "█"));
  expect(draw(7, 24)).toEqual(["narrow"]);
  expect(draw(3, 24)).toEqual(["na…"]);
});

test("the axis tells how long ago the first cell and one in the middle were", () => {
  const at = Array.from({ length: 40 }, (_, index) => index / 10);
  const axis = (columns: number) =>
    tracePicture([row("x", "h".repeat(40))], at, { columns, lines: 24 }, { paint: plain })[3];
  expect(axis(50)).toBe("          3.9s ago            1.9s ago         now");
  expect(axis(20)).toBe("1.9s ago         now");
});

test("ways to hold a lock are told in words", () => {
  const text = (...holders: HolderStatus[]) =>
    draw(120, 24, [row("x", "h", { holders })])[1]
      ?.slice(6, 60)
      .trim();
  expect(text({ ...holder, slot: 3, slots: 4 }, { ...holder, slot: 0, slots: 4 })).toBe(
    "2/4: make deploy, make deploy",
  );
  expect(text({ ...holder, kind: "shared" }, { ...holder, kind: "shared", command: "tar" })).toBe(
    "2 shared: make deploy, tar",
  );
  expect(text({ ...holder, attachment: "detached" })).toBe("make deploy (no process)");
  expect(text({ ...holder, attachment: "bound" })).toBe("make deploy (bound to 4242)");
  expect(text({ ...holder, attachment: "foreign", pid: null, command: "" })).toBe(
    "a Python (cjnfuncs) program",
  );
  expect(text({ ...holder, attachment: "stale" })).toBe("make deploy (4242), died");
  expect(text({ ...holder, attachment: "stale", pid: null, command: "" })).toBe(
    "a process that died",
  );
  expect(draw(80, 24, [row("x", "m")])[1]).toContain("no such lock yet");
});

test("tracePicture() marks the selected lock, and keeps it in sight when there are too many", () => {
  const many = Array.from({ length: 20 }, (_, index) => row(`lk${index}`, "h"));
  const options = { selected: "lk15", footer: ["keys"] };
  const picture = tracePicture(
    many,
    looks,
    { columns: 20, lines: 6 },
    { paint: plain, ...options },
  );
  expect(picture.map((line) => line.trim().slice(0, 6).trim())).toEqual([
    "lk13",
    "lk14",
    "> lk15",
    "lk16",
    "16 mor",
    "keys",
  ]);
});

test("tracePicture() shows waiters as bars with colours, and as digits without", () => {
  const [, , bars] = tracePicture(
    [row("x", "127k")],
    [0, 1, 2, 3],
    { columns: 8, lines: 9 },
    { paint: marked },
  );
  expect(bars).toBe("    <yellow ▁▂▇▇>");
  const [, , digits] = draw(8, 9, [row("x", "127k")]);
  expect(digits).toBe("    127+");
});

test("names and commands are escaped", () => {
  const hostile = row("a\u001B[31m", "h", { holders: [{ ...holder, command: "b\nc\u202E" }] });
  const picture = draw(80, 24, [hostile]);
  expect(picture[1]).toStartWith("a\\x1b[31m  b\\nc\\u202e (4242)");
});

test("colours are around runs of cells of one kind", () => {
  const [, words, cells] = tracePicture(rows, looks, { columns: 8, lines: 24 }, { paint: marked });
  expect(cells).toBe("<dim   ··><green ██><yellow ▁▁>");
  expect(words).toContain("<bold ");
});

test("no line is wider than the terminal, and there are no more than it has", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 });
  const letters = fc.string({ unit: fc.constantFrom(...Array.from("mfbhsu19z")), maxLength: 300 });
  const sizes = fc.record({ columns: fc.integer({ min: 1, max: 200 }), lines: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(fc.tuple(name, letters), { minLength: 1 }), sizes, (locks, size) => {
      const which = locks.map(([lock, cells]) =>
        row(lock, cells, {
          holders: [{ ...holder, command: lock }],
          holdSeconds: 1e6,
          waiters: 12,
        }),
      );
      const picture = tracePicture(
        which,
        Array.from({ length: 300 }, (_, i) => i),
        size,
        { paint: plain },
      );
      expect(picture.length).toBeLessThanOrEqual(size.lines);
      for (const line of picture) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(size.columns);
    }),
  );
});
