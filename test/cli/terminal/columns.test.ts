import { expect, test } from "bun:test";
import fc from "fast-check";
import { cutToColumns, fitToColumns } from "../../../src/cli/terminal/columns.ts";

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
