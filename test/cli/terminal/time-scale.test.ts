import { expect, test } from "bun:test";
import fc from "fast-check";
import { TimeScale } from "../../../src/cli/terminal/time-scale.ts";

test("times without a long idle one between are on one even scale", () => {
  const scale = new TimeScale(
    [
      { start: 100, end: 104 },
      { start: 105, end: 110 },
    ],
    20,
  );
  expect(scale.breaks).toEqual([]);
  expect([100, 104, 105, 110].map((time) => scale.borderOf(time))).toEqual([0, 8, 10, 20]);
  expect([0, 10, 20].map((column) => scale.timeAt(column))).toEqual([100, 105, 110]);
});

test("a long idle time takes one column", () => {
  const scale = new TimeScale(
    [
      { start: 0, end: 10 },
      { start: 1000, end: 1010 },
    ],
    21,
  );
  expect(scale.breaks).toEqual([10]);
  expect([0, 10, 1000, 1010].map((time) => scale.borderOf(time))).toEqual([0, 10, 11, 21]);
  expect([0, 5, 11, 16].map((column) => scale.timeAt(column))).toEqual([0, 5, 1000, 1005]);
});

test("where there would be too many breaks there are none", () => {
  const spans = Array.from({ length: 10 }, (_, index) => ({
    start: index * 100,
    end: index * 100 + 1,
  }));
  expect(new TimeScale(spans, 29).breaks).toEqual([]);
  expect(new TimeScale(spans, 30).breaks).toHaveLength(9);
});

test("what lasts no time has a column", () => {
  const scale = new TimeScale([{ start: 5, end: 5 }], 10);
  expect(scale.borderOf(5)).toBe(0);
  expect(scale.lastColumnOf(5)).toBe(9);
});

test("times keep their order, and all columns are theirs or a break's", () => {
  const span = fc
    .tuple(fc.nat(100_000), fc.nat(1000))
    .map(([start, length]) => ({ start: start / 10, end: (start + length) / 10 }));
  const spansOfMany = fc.array(span, { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(spansOfMany, fc.integer({ min: 8, max: 200 }), (spans, columns) => {
      const scale = new TimeScale(spans, columns);
      const times = spans.flatMap(({ start, end }) => [start, end]).toSorted((a, b) => a - b);
      const borders = times.map((time) => scale.borderOf(time));
      expect(borders).toEqual(borders.toSorted((a, b) => a - b));
      expect(Math.min(...borders)).toBe(0);
      expect(Math.max(...borders)).toBeLessThanOrEqual(columns);
      for (const { start, end } of spans) {
        const inside = scale.breaks.filter(
          (column) => scale.borderOf(start) <= column && column < scale.borderOf(end),
        );
        expect(inside).toEqual([]);
        expect(scale.breaks).not.toContain(scale.lastColumnOf(start));
      }
    }),
  );
});
