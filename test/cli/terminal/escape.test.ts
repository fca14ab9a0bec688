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
