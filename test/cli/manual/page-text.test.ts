/** The manual page as plain text. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { pageText } from "../../../src/cli/manual/page-text.ts";
import { haveTools } from "../../support/binary.ts";
import { runToEnd } from "../../support/process.ts";

const path = join(import.meta.dir, "../../../src/cli/manual/resourcelock.1");
const source = await Bun.file(path).text();

/** The words of a text, in their order: what is left when indents and line breaks are not counted. */
const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== "");

describe("pageText()", () => {
  test("sets sections, tags, synopses and examples as man(1) does", () => {
    const page = [
      ".TH X 1",
      ".SH SYNOPSIS",
      '.SY "x run"',
      ".I NAME",
      "[\\fB\\-q\\fR]",
      ".YS",
      ".SH OPTIONS",
      "Each",
      ".BR one ,",
      "as in",
      ".BR getopt (3).",
      ".TP",
      "\\fB\\-q\\fR",
      "Say nothing.",
      ".IP",
      "At all.",
      ".PP",
      "An example:",
      ".PP",
      ".in +4n",
      ".EX",
      "x run  a",
      ".EE",
      ".in",
    ];
    expect(pageText(page.join("\n"), 60).split("\n")).toEqual([
      "SYNOPSIS",
      "       x run NAME [-q]",
      "",
      "OPTIONS",
      "       Each one, as in getopt(3).",
      "",
      "       -q",
      "              Say nothing.",
      "",
      "              At all.",
      "",
      "       An example:",
      "",
      "           x run  a",
    ]);
  });

  test("fills the width that there is, and no more", () => {
    for (const columns of [60, 80]) {
      const examples = /^ {11}/;
      const widths = pageText(source, columns)
        .split("\n")
        .filter((line) => !examples.test(line))
        .map((line) => line.length);
      expect(Math.max(...widths)).toBeWithin(columns - 5, columns + 1);
    }
  });

  test("leaves no macro and no escape of our page", () => {
    expect(pageText(source, 80)).not.toMatch(/^\.[A-Za-z]|\\/m);
  });

  test.skipIf(!haveTools("groff"))("has the words that groff prints, in their order", async () => {
    const options = ["-man", "-Tutf8", "-P-cbou", "-rHY=0", "-dAD=l", "-rLL=200n"];
    const { status, stdout } = await runToEnd(["groff", ...options, path]);
    expect(status).toBe(0);
    // Without the title above and below.
    const body = stdout
      .split("\n")
      .slice(1)
      .join("\n")
      .replace(/\nresourcelock [^\n]*\n*$/, "");
    const plain = body
      .replaceAll(/[\u2010\u2212]/g, "-")
      .replaceAll("\u2019", "'")
      .replaceAll("\u00A0", " ");
    expect(wordsOf(pageText(source, 200))).toEqual(wordsOf(plain));
  });
});
