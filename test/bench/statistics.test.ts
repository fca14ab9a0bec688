import { expect, test } from "bun:test";
import { interleave } from "../../scripts/benchmark/interleave.ts";
import { gaps, overlaps } from "../../scripts/benchmark/marks.ts";
import { atLeast, atMost, tableOf, tableText } from "../../scripts/benchmark/report.ts";
import { handOvers } from "../../scripts/benchmark/sections.ts";
import { figure, inversions, quantile, ratio, spread } from "../../scripts/benchmark/statistics.ts";

const oneToEleven = [11, 3, 1, 9, 2, 8, 4, 7, 5, 10, 6];

test("a quantile is a value that was measured", () => {
  expect([0, 0.1, 0.5, 0.9, 0.99, 1].map((fraction) => quantile(oneToEleven, fraction))).toEqual([
    1, 2, 6, 10, 11, 11,
  ]);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test("a ratio is that of the medians", () => {
  expect(ratio([4, 6, 100], [2, 3, 0])).toBe(3);
  expect(ratio([], [1])).toBeNaN();
});

test("figures have three digits, or all before the point", () => {
  const figures = [
    0,
    0.0042,
    0.123,
    1.005,
    9.994,
    12.34,
    123.4,
    1234.5,
    -0.5,
    Number.NaN,
    Infinity,
  ];
  expect(figures.map(figure).join(" ")).toBe("0.00 0.004 0.12 1.00 9.99 12.3 123 1235 -0.50 - -");
  expect(spread(oneToEleven)).toBe("2.00 – 10.0");
  expect(spread([])).toBe("-");
});

test("inversions are neighbours in the wrong order", () => {
  expect(inversions([1, 2, 3, 3])).toBe(0);
  expect(inversions([2, 1, 4, 3, 5])).toBe(2);
});

test("entries take turns, and a missing one takes none", async () => {
  const turns: string[] = [];
  const entry = (name: string, value: number) => ({
    name,
    measure: () => {
      turns.push(name);
      return value;
    },
  });
  const values = await interleave([entry("a", 1), { name: "b", missing: "gone" }, entry("c", 3)], {
    rounds: 4,
    secondsEach: 10,
  });
  expect(turns.join("")).toBe("acacacac");
  expect([...values]).toEqual([
    ["a", [1, 1, 1, 1]],
    ["b", []],
    ["c", [3, 3, 3, 3]],
  ]);
});

test("a slow entry sits out most rounds, and a very slow one all but the first", async () => {
  const slow = { name: "slow", measure: () => Bun.sleep(20).then(() => 20) };
  const one = await interleave([slow], { rounds: 100, secondsEach: 0.1 });
  expect(one.get("slow")?.length).toBeLessThanOrEqual(6);
  expect(one.get("slow")?.length).toBeGreaterThanOrEqual(3);
  const other = await interleave([slow], { rounds: 100, secondsEach: 0.001 });
  expect(other.get("slow")).toEqual([20]);
});

test("hand-overs are from a release to a grant of another that waited already", () => {
  const sections = [
    { locker: 0, asked: 0, granted: 1000, released: 5000 },
    // Waited: 2 us.
    { locker: 1, asked: 2000, granted: 7000, released: 9000 },
    // Its own lock again.
    { locker: 1, asked: 9500, granted: 9600, released: 12_000 },
    // Came after the release.
    { locker: 0, asked: 12_500, granted: 13_000, released: 14_000 },
  ];
  expect(handOvers(sections.toReversed())).toEqual([2]);
});

test("marks that lie in each other are overlaps", () => {
  const marks = [
    { label: "a", begun: 0, ended: 1000 },
    { label: "b", begun: 3000, ended: 9000 },
    { label: "c", begun: 8000, ended: 10_000 },
  ];
  expect(gaps(marks)).toEqual([2, -1]);
  expect(overlaps(marks)).toBe(1);
});

test("an aim is met, missed, or was not measured", () => {
  expect(atMost("a", 4, 4, " x")).toEqual({ aim: "a", measured: "4.00 x", met: true });
  expect(atMost("a", 4.01, 4).met).toBe(false);
  expect(atLeast("a", 9.99, 10).met).toBe(false);
  expect(atLeast("a", 10, 10).met).toBe(true);
  expect(atMost("a", Number.NaN, 4)).toEqual({
    aim: "a",
    measured: "not measured here",
    met: undefined,
  });
});

test("a table names what is missing and gives ratios to each base", () => {
  const entries = [{ name: "mine" }, { name: "base" }, { name: "gone", missing: "package x|y" }];
  const values = new Map([
    ["mine", [2, 4, 6]],
    ["base", [2, 2, 2]],
  ]);
  expect(tableText(tableOf(entries, values, { unit: "ms", bases: ["base"] }))).toBe(
    [
      "|      | median ms             | p10 – p90   | n   | x base |",
      "| ---- | --------------------- | ----------- | --- | ------ |",
      "| mine | 4.00                  | 2.00 – 6.00 | 3   | 2.00   |",
      "| base | 2.00                  | 2.00 – 2.00 | 3   | 1.00   |",
      "| gone | missing: package x\\|y |             |     |        |",
    ].join("\n"),
  );
});
