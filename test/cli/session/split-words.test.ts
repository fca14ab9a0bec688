import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UsageError } from "../../../src/cli/arguments/words.ts";
import { splitWords } from "../../../src/cli/session/split-words.ts";

describe("splitWords()", () => {
  test.each([
    ["", []],
    ["  \t ", []],
    ["get disk", ["get", "disk"]],
    ["  get\t disk  ", ["get", "disk"]],
    ["get 'nightly backup'", ["get", "nightly backup"]],
    ['get "nightly backup"', ["get", "nightly backup"]],
    [String.raw`get nightly\ backup`, ["get", "nightly backup"]],
    [String.raw`-m 'it'\''s mine'`, ["-m", "it's mine"]],
    [String.raw`-m "a \"b\" \$c \d"`, ["-m", String.raw`a "b" $c \d`]],
    ["-m ''", ["-m", ""]],
    ["-m $HOME *", ["-m", "$HOME", "*"]],
    [String.raw`-m $'one\ntwo\t\'three\' \\'`, ["-m", "one\ntwo\t'three' \\"]],
    [String.raw`-m $'\303\274ber'`, ["-m", "über"]],
    ["über 日本", ["über", "日本"]],
    ["a$b c$", ["a$b", "c$"]],
  ])("splits %j", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  test.each(["'", "get 'disk", 'get "disk', "get $'disk", "get disk\\"])(
    "refuses the open quote of %j",
    (line) => {
      expect(() => splitWords(line)).toThrow(UsageError);
    },
  );

  test("gives back what bash's printf %q has quoted", () => {
    const words = [
      "plain",
      "two words",
      "it's",
      "a\nline",
      "ü \x07",
      "",
      '"$x" `y` \\',
      "\\303 \n",
    ];
    const quoted = Bun.spawnSync(["bash", "-c", 'printf "%q " "$@"', "bash", ...words]);
    expect(splitWords(quoted.stdout.toString())).toEqual(words);
  });

  test("gives back any words that were put between single quotes", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
        const line = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
        expect(splitWords(line)).toEqual(words);
      }),
    );
  });
});
