import { expect, test } from "bun:test";
import { tableLines, type TableColumn } from "../../../src/cli/terminal/aligned-table.ts";
import type { Paint } from "../../../src/cli/terminal/colors.ts";

type Row = readonly string[];

function column(index: number, parts: Partial<TableColumn<Row>> & { head: string }) {
  return { text: (row: Row) => row[index] ?? "", ...parts };
}

const table: readonly TableColumn<Row>[] = [
  column(0, { head: "NAME", minWidth: 4 }),
  column(1, { head: "STATE" }),
  column(2, { head: "HELD", align: "right" }),
  column(3, { head: "INFO", minWidth: 3 }),
];
const rows = [
  ["a", "free", "-", "a short text"],
  ["a-long-name", "locked", "3m12s", "日本語 and more"],
];
const plain: Paint = (_, text) => text;
const marked: Paint = (style, text) => `<${style} ${text}>`;
const lines = (width: number, which = table) => tableLines(which, rows, width, plain);

test("columns are aligned, by the width that characters have", () => {
  expect(lines(Infinity)).toEqual([
    "NAME         STATE    HELD  INFO",
    "a            free        -  a short text",
    "a-long-name  locked  3m12s  日本語 and more",
  ]);
});

test("the widest columns are cut to a width, and never those that have to be seen", () => {
  expect(lines(36)).toEqual([
    "NAME        STATE    HELD  INFO",
    "a           free        -  a short …",
    "a-long-na…  locked  3m12s  日本語 a…",
  ]);
});

test.each([80, 40, 36, 30, 24, 20, 12])("a table is no wider than %d", (width) => {
  for (const line of lines(width)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
});

test("where there is no room columns are left out, from the last one on", () => {
  expect(lines(20)[0]).toBe("NAME   STATE    HELD");
  expect(lines(12)[2]).toBe("a-l…  locked");
  expect(lines(1)[2]).toBe("a-l…");
});

test("where there is no room the most dispensable columns are left out first", () => {
  const ranked = table.map((each, index) => ({ ...each, dispensable: [0, 2, 1, 0][index] ?? 0 }));
  const heads = (width: number) => lines(width, ranked)[0]?.split(/ +/);
  expect(heads(23)).toEqual(["NAME", "HELD", "INFO"]);
  expect(heads(15)).toEqual(["NAME", "INFO"]);
  expect(heads(8)).toEqual(["NAME"]);
});

test("short texts stand where the table is wider than the terminal", () => {
  const shorter = [...table.slice(0, 3), column(3, { head: "INFO", short: () => "short" })];
  expect(lines(43, shorter)[2]).toEndWith("  日本語 and more");
  expect(lines(42, shorter)[2]).toEndWith("  short");
});

test("a column with a width has that whatever stands in it, and one that fills takes what is left", () => {
  const still = [column(0, { head: "NAME", width: 6, fills: true }), column(1, { head: "STATE" })];
  expect(lines(Infinity, still)).toEqual(["NAME    STATE", "a       free", "a-lon…  locked"]);
  expect(lines(20, still)).toEqual([
    "NAME          STATE",
    "a             free",
    "a-long-name   locked",
  ]);
});

test("what others wrote is escaped", () => {
  const hostile = [["a\u001B[31m", "x\ny"]];
  expect(tableLines(table.slice(0, 2), hostile, Infinity, plain)[1]).toBe("a\\x1b[31m  x\\ny");
});

test("what is seen is painted, and not the space around it", () => {
  const painted = [...table.slice(0, 2), column(2, { head: "HELD", style: () => "red" })];
  expect(tableLines(painted, rows, Infinity, marked)).toEqual([
    "<dim NAME>         <dim STATE>   <dim HELD>",
    "a            free    <red ->",
    "a-long-name  locked  <red 3m12s>",
  ]);
});
