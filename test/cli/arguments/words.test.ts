import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { options } from "../../../src/cli/arguments/options.ts";
import { UsageError, WordReader } from "../../../src/cli/arguments/words.ts";

/** The names and values of the options in a line of words. */
function optionsIn(line: string): string[] {
  const reader = new WordReader(line.split(" "), options);
  reader.takeAll();
  return reader.options.map(
    ({ name, shown, value }) =>
      `${name ?? `unknown ${shown}`}${value === undefined ? "" : `=${value}`}`,
  );
}

describe("WordReader", () => {
  test.each([
    ["-t 5 x", ["get-timeout=5"]],
    ["-t5 x", ["get-timeout=5"]],
    ["-t=5 x", ["get-timeout=5"]],
    ["-t -1 x", ["get-timeout=-1"]],
    ["-t-1 x", ["get-timeout=-1"]],
    ["--get-timeout=-1 x", ["get-timeout=-1"]],
    ["--get-timeout -1 x", ["get-timeout=-1"]],
    ["-qt5 x", ["quiet", "get-timeout=5"]],
    ["-qv x", ["quiet", "verbose"]],
    ["--message= x", ["message="]],
    ["--message=a=b x", ["message=a=b"]],
    ["-m -weird x", ["message=-weird"]],
    ["x -Z", ["unknown -Z"]],
    ["x --toString", ["unknown --toString"]],
    ["x --name=y", ["unknown --name=y"]],
    ["-- -t 5", []],
  ])("reads the options of %s", (line, expected) => {
    expect(optionsIn(line)).toEqual(expected);
  });

  test.each([
    ["x -t", "-t needs a value"],
    ["x --message", "--message needs a value"],
    ["x -t -- y", "-t needs a value"],
    ["-t -q x", "if -q is its value, write -t-q"],
    ["--message --quiet x", "if --quiet is its value, write --message=--quiet"],
    ["x --quiet=yes", "--quiet takes no value"],
  ])("refuses %s", (line, message) => {
    expect(() => optionsIn(line)).toThrow(UsageError);
    expect(() => optionsIn(line)).toThrow(message);
  });

  test("takeAll() keeps the words that are no options in their order", () => {
    const reader = new WordReader(["-q", "a", "-t", "5", "-", "b", "--", "-c", "--"], options);
    expect(reader.takeAll()).toEqual(["a", "-", "b", "-c", "--"]);
  });

  test("rest leaves out the -- that comes next, and no other", () => {
    const reader = new WordReader(["a", "-q", "--", "-t", "--", "b"], options);
    expect(reader.take()).toBe("a");
    expect(reader.take()).toBeUndefined();
    expect(reader.rest).toEqual(["-t", "--", "b"]);
    expect(reader.restAt).toBe(3);
  });

  test("rest has the word that was peeked at", () => {
    const reader = new WordReader(["a", "-q", "grep", "-h"], options);
    reader.take();
    expect(reader.peek()).toBe("grep");
    expect(reader.rest).toEqual(["grep", "-h"]);
    expect(reader.options.map(({ name }) => name)).toEqual(["quiet"]);
  });

  test.each([
    [["run", "-c", "TEXT"], 2, 0],
    [["run", "-cTEXT"], 1, 2],
    [["run", "-c=TEXT"], 1, 3],
    [["-qcTEXT"], 0, 3],
    [["x", "--command=TEXT"], 1, 10],
    [["x", "--command", "TEXT"], 2, 0],
  ])("tells where in %p the value stands", (words, word, offset) => {
    const reader = new WordReader(words, options);
    reader.takeAll();
    const option = reader.options.at(-1);
    expect(option).toMatchObject({ value: "TEXT", valueAt: { word, offset } });
    expect(words[word]?.slice(offset)).toBe("TEXT");
  });

  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("--", "-t", "-1", "--message", "-qm", "--json", "-c=x", "--command=y"),
  );

  test("fails only with a UsageError, whatever it reads", () => {
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          new WordReader(words, options).takeAll();
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });

  test("loses no word and invents none, whatever it reads", () => {
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const reader = new WordReader(words, options);
        let taken: string[];
        try {
          taken = reader.takeAll();
        } catch {
          return;
        }
        for (const { value, valueAt } of reader.options) {
          if (value !== undefined) expect(words[valueAt.word]?.slice(valueAt.offset)).toBe(value);
        }
        const separator = words.indexOf("--");
        const plain = words.filter((text, index) => {
          const isValue = reader.options.some(
            ({ value, valueAt }) => value !== undefined && valueAt.word === index,
          );
          return !isValue && (text === "-" || !text.startsWith("-"));
        });
        const after = separator === -1 ? [] : words.slice(separator + 1);
        expect(taken.slice(taken.length - after.length)).toEqual(after);
        expect(plain).toEqual(expect.arrayContaining(taken.slice(0, taken.length - after.length)));
      }),
    );
  });
});
