import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  compareNaturally,
  cutToColumns,
  fitToColumns,
  isUtf8,
  ordinal,
  wrap,
} from "../../../src/cli/terminal/text.ts";

test("a text that fits stays as it is, and a longer one ends in an ellipsis", () => {
  expect(cutToColumns("deploy", 6)).toBe("deploy");
  expect(cutToColumns("deploy", 5)).toBe("depl…");
  expect(cutToColumns("deploy", 1)).toBe("…");
  expect(cutToColumns("deploy", 0)).toBe("");
});

test("a wide character is left out whole", () => {
  expect(fitToColumns("日本語", 6)).toBe("日本語");
  expect(fitToColumns("日本語", 5)).toBe("日本…");
  expect(fitToColumns("日本語", 4)).toBe("日… ");
});

test("every text takes as many columns as it is fitted to", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(40), (text, columns) => {
      expect(Bun.stringWidth(fitToColumns(text, columns))).toBe(columns);
    }),
  );
});

test("a character is cut whole, with what combines with it", () => {
  expect(cutToColumns("日本語", 4)).toBe("日…");
  expect(cutToColumns("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
});

test("compareNaturally() sorts numbers by their value", () => {
  const names = ["lk10", "lk2", "", "lk02", "b1c10", "b1c9", "lk", "lk9007199254740993", "B"];
  expect(names.toSorted(compareNaturally)).toEqual([
    "",
    "B",
    "b1c9",
    "b1c10",
    "lk",
    "lk02",
    "lk2",
    "lk10",
    "lk9007199254740993",
  ]);
});

test("compareNaturally() is an order that only equal names share", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "0", "1", "9") });
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      expect(Math.sign(compareNaturally(a, b))).toBe(-Math.sign(compareNaturally(b, a)) + 0);
      expect(compareNaturally(a, b) === 0).toBe(a === b);
      const [first = "", second = "", third = ""] = [a, b, c].toSorted(compareNaturally);
      expect(compareNaturally(first, second)).toBeLessThanOrEqual(0);
      expect(compareNaturally(first, third)).toBeLessThanOrEqual(0);
    }),
  );
});

test.each([
  [{}, true],
  [{ LANG: "de_DE.UTF-8" }, true],
  [{ LANG: "de_DE.utf8" }, true],
  [{ LANG: "C" }, false],
  [{ LANG: "de_DE.UTF-8", LC_ALL: "POSIX" }, false],
  [{ LANG: "C", LC_CTYPE: "C.UTF-8" }, true],
  [{ LC_ALL: "", LANG: "de_DE@euro" }, false],
])("isUtf8() of %j is %p", (environment, expected) => {
  expect(isUtf8(environment)).toBe(expected);
});

test("ordinal() ends as people say it", () => {
  const numbers = [1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 112, 1023];
  expect(numbers.map(ordinal)).toEqual(
    "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 101st 111th 112th 1023rd".split(" "),
  );
});

test("wrap() breaks between words, and leaves a word that is too long whole", () => {
  expect(wrap("to be or not to be", 8)).toEqual(["to be or", "not to", "be"]);
  expect(wrap("a verylongword b", 4)).toEqual(["a", "verylongword", "b"]);
  expect(wrap("to be", Infinity)).toEqual(["to be"]);
});
