import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { escapeControls, escapeLines, jsonLine } from "../../../src/cli/terminal/escape.ts";

/** What a terminal might act upon. */
const dangerous = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u;

describe("escapeControls()", () => {
  test("shows control characters and leaves all else", () => {
    expect(escapeControls("\u001B[31mä\u009B\n\t\u007F😀\u202Ex\\n")).toBe(
      "\\x1b[31mä\\x9b\\n\\t\\x7f😀\\u202ex\\n",
    );
  });

  test.each([
    ["a zero-width space", "disk\u200B", "disk\\u200b"],
    ["a joiner outside of an emoji", "di\u200Dsk", "di\\u200dsk"],
    ["a selector that selects nothing", "disk\uFE0F", "disk\\ufe0f"],
    ["a tag", "disk\u{E0041}", "disk\\udb40\\udc41"],
    ["a mark beside the letter that has it", "cafe\u0301", "cafe\\u0301"],
  ])("shows %s, so that no name looks like another one", (_, text, shown) => {
    expect(escapeControls(text)).toBe(shown);
    expect(jsonLine({ text })).toBe(`{"text":"${shown}"}`);
  });

  test.each(["café", "👩‍👩‍👧", "❤️", "👍🏽‍💻", "日本語", "x̂", "한국어", "नमस्ते"])(
    "leaves %s as it is",
    (text) => {
      expect(escapeControls(text)).toBe(text);
    },
  );

  test("lets nothing through that a terminal might act upon", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeControls(text)).not.toMatch(dangerous);
      }),
    );
  });
});

describe("escapeLines()", () => {
  test("lets nothing through that a terminal might act upon but newlines and tabs", () => {
    expect(escapeLines("\n\u001Bone\r\n\ttwo")).toBe("\n\\x1bone\\r\n\ttwo");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeLines(text).replaceAll(/[\n\t]/g, "")).not.toMatch(dangerous);
      }),
    );
  });
});

describe("jsonLine()", () => {
  test("is one safe line that parses to what was given", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (info) => {
        const line = jsonLine({ info });
        expect(line).not.toMatch(dangerous);
        expect(JSON.parse(line)).toEqual({ info });
      }),
    );
  });
});
