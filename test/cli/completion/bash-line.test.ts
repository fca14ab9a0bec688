/** Words of bash, against bash itself. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { readBashLine, writeBashWord } from "../../../src/cli/completion/bash-line.ts";
import { runToEnd } from "../../support/process.ts";

/** Any text that a line can hold, rich in what bash reads in a special way. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(..."'\"\\$`!~#*?[]{}()<>|&;^:=@ ab-/%+,.".split("")),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 2 }),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.join(""))
  // oxlint-disable-next-line no-control-regex
  .filter((joined) => !/[\u0000-\u001F\u007F]/.test(joined) && joined.isWellFormed());

const quote = fc.constantFrom("", "'", '"');

/** The words that bash makes of a line. */
async function wordsOf(line: string): Promise<string[]> {
  const { stdout, stderr } = await runToEnd(["bash", "-c", `printf '%s\\0' ${line}`]);
  expect(stderr).toBe("");
  return stdout.split("\0").slice(0, -1);
}

test("bash reads each word as it was meant, within any quotes and without", async () => {
  const words = fc.sample(fc.tuple(text, quote), 300);
  const line = words.map(([word, mark]) => `${mark}${writeBashWord(word, mark)}${mark}`).join(" ");
  expect(await wordsOf(line)).toEqual(words.map(([word]) => word));
});

test("a line is read as bash reads it", async () => {
  const lines = [
    String.raw`x a\ b "c d" 'e f' g"h i"j'k'l`,
    String.raw`x "a\"b\\c\$d\`e" "f\g" 'h\i' j\\k`,
    `x   '' ""  a`,
    `x "it's" 'a"b'`,
  ];
  for (const line of lines) expect(readBashLine(line)?.words).toEqual(await wordsOf(line));
});

test("the end of a line may be open", () => {
  expect(readBashLine("x a")).toEqual({ words: ["x", "a"], starts: [0, 2], quote: "" });
  expect(readBashLine("x a ")).toEqual({ words: ["x", "a", ""], starts: [0, 2, 4], quote: "" });
  expect(readBashLine("x 'a b")).toEqual({ words: ["x", "a b"], starts: [0, 2], quote: "'" });
  expect(readBashLine('x a"b ')).toEqual({ words: ["x", "ab "], starts: [0, 2], quote: '"' });
  expect(readBashLine('x "a\\')).toEqual({ words: ["x", "a"], starts: [0, 2], quote: '"' });
  expect(readBashLine("x a\\")).toEqual({ words: ["x", "a"], starts: [0, 2], quote: "" });
});

test("what bash would have to expand is not read", () => {
  expect(readBashLine("x $'a")).toBeUndefined();
  expect(readBashLine(`x "$'a" b`)?.words).toEqual(["x", "$'a", "b"]);
});

test("each word begins where it is told to, in characters and not in units of UTF-16", () => {
  expect(readBashLine("x '\u{1F512} a'  b\\ c \"d")?.starts).toEqual([0, 2, 9, 14]);
});
