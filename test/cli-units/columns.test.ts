import { describe, expect, test } from "bun:test";
import { cutToColumns, table } from "../../src/cli/columns.ts";

const columns = [
  { head: "NAME", least: 4 },
  { head: "STATE" },
  { head: "HELD", right: true },
  { head: "INFO", least: 3 },
];
const rows = [
  ["a", "free", "-", "a short text"],
  ["a-long-name", "locked", "3m12s", "日本語 and more"],
];
const plain = (text: string) => text;
const lines = (width: number) => table(columns, rows, width, plain);

describe("table()", () => {
  test("aligns its columns, by the width that characters have", () => {
    expect(lines(Infinity)).toEqual([
      "NAME         STATE    HELD  INFO",
      "a            free        -  a short text",
      "a-long-name  locked  3m12s  日本語 and more",
    ]);
  });

  test("cuts the widest columns to a width, and never those that have to be seen", () => {
    expect(lines(36)).toEqual([
      "NAME       STATE    HELD  INFO",
      "a          free        -  a short t…",
      "a-long-n…  locked  3m12s  日本語 an…",
    ]);
  });

  test.each([80, 40, 36, 30, 24, 20, 12])("is no wider than %d", (width) => {
    for (const line of lines(width)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
  });

  test("leaves columns out from the last one on where there is no room", () => {
    expect(lines(20)[0]).toBe("NAME   STATE    HELD");
    expect(lines(12)[2]).toBe("a-l…  locked");
    expect(lines(1)[2]).toBe("a-l…");
  });

  test("paints what is seen, and not the space around it", () => {
    const painted = table(columns.slice(0, 3), rows, Infinity, (text, row, column) =>
      row === 0 && column !== 0 ? `<${text}>` : text,
    );
    expect(painted[1]).toBe("a            <free>        <->");
  });
});

describe("cutToColumns()", () => {
  test("keeps whole characters", () => {
    expect(cutToColumns("abc", 3)).toBe("abc");
    expect(cutToColumns("abcd", 3)).toBe("ab…");
    expect(cutToColumns("日本語", 4)).toBe("日…");
    expect(cutToColumns("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
  });
});
