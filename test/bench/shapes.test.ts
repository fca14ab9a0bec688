import { expect, test } from "bun:test";
import { aimsTable, atMost, reasons } from "../../scripts/benchmark/report.ts";
import { shapesPicture } from "../../scripts/benchmark/shapes.ts";

test("shapesPicture() draws a bar for each shape that was measured, the fastest first, ten times as long a decade further", () => {
  const picture = shapesPicture([
    { name: "slow", microseconds: 10_000 },
    { name: "missing", microseconds: Number.NaN },
    { name: "fast", microseconds: 100 },
  ]);
  const names = [...picture.matchAll(/text-anchor="end"[^>]*>([^<]+)</g)].map(([, name]) => name);
  expect(names).toEqual(["fast", "slow"]);
  const bars = [...picture.matchAll(/<rect x=[^>]* width="([\d.]+)" height="18"/g)];
  const [fast = 0, slow = 0] = bars.map(([, length]) => Number(length));
  expect(slow).toBeCloseTo(2 * fast);
  expect(picture).toContain(">100 µs</text>");
  expect(picture).toContain(">10.0 ms</text>");
});

test("reasons() tells once why aims are not met, and aimsTable() has the limit beside each", () => {
  const why = "Because of this.";
  const met = Object.assign(atMost("one", 1, 2), { why });
  const missed = Object.assign(atMost("other", 3, 2, " x"), { why, limit: "1 x" });
  expect(reasons([met])).toEqual([]);
  expect(reasons([missed, missed])).toEqual([why]);
  expect(aimsTable([missed]).rows).toEqual([["other", "1 x", "3.00 x", "**no**"]]);
});
