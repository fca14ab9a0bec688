/** A name has one meaning in all of src, and the texts of errors have one form. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../support/clone.ts";
import { errorTexts, faultOfErrorText, topLevelNames } from "./source.ts";

const sources = new Map<string, string>();
for (const path of new Bun.Glob("src/**/*.ts").scanSync({ cwd: root })) {
  sources.set(path, await Bun.file(join(root, path)).text());
}

/** The names that one file exports and another one declares too. */
function ambiguous(): string[] {
  const files = new Map<string, Set<string>>();
  const exported = new Set<string>();
  for (const [path, source] of sources) {
    for (const { name, isExported } of topLevelNames(path, source)) {
      files.set(name, (files.get(name) ?? new Set()).add(path));
      if (isExported) exported.add(name);
    }
  }
  return [...exported].filter((name) => (files.get(name)?.size ?? 0) > 1).toSorted();
}

test("a name that a file of src exports is declared nowhere else in src", () => {
  expect(ambiguous()).toEqual([]);
});

test("the texts of errors in src begin with a capital, have no period and no contraction, and quote names", () => {
  const faults: string[] = [];
  for (const [path, source] of sources) {
    for (const text of errorTexts(path, source)) {
      const fault = faultOfErrorText(text);
      if (fault !== undefined) faults.push(`${path}: ${fault}: ${text.text}`);
    }
  }
  expect(faults).toEqual([]);
});

describe("topLevelNames()", () => {
  test.each([
    ["export function a() {}", [{ name: "a", isExported: true }]],
    ["class A {}", [{ name: "A", isExported: false }]],
    [
      "export const a = 1, b = 2;",
      [
        { name: "a", isExported: true },
        { name: "b", isExported: true },
      ],
    ],
    ["export interface A {}", [{ name: "A", isExported: true }]],
    ["type A = 1;", [{ name: "A", isExported: false }]],
    ['export { a } from "./a.ts";', []],
  ])("finds what %p declares", (source, names) => {
    expect(topLevelNames("a.ts", source)).toEqual(names);
  });
});

const faultIn = (source: string) => errorTexts("a.ts", source).map(faultOfErrorText);

describe("faultOfErrorText()", () => {
  test.each([
    ['throw new RangeError("give one of them");', "it begins without a capital"],
    ['throw new LockNameError("Cannot use it.");', "it ends with a period"],
    ['throw new Error("Cannot use it: it isn\'t there");', "it has a contraction"],
    ["throw new Error(`Cannot use lock <${name}>`);", "the lock's name is not in quotes"],
    ['throw new LockServerError("denied", "Cannot use it.");', "it ends with a period"],
  ])("tells what is wrong with %p", (source, fault) => {
    expect(faultIn(source)).toEqual([fault]);
  });

  test.each([
    'throw new Error(`Cannot use lock "${name}": it was closed`);',
    'throw new UsageError("unknown option --x");',
    'throw new PosixError("fcntl", errno);',
  ])("is silent about %p", (source) => {
    expect(faultIn(source).filter((fault) => fault !== undefined)).toEqual([]);
  });
});
