/** The manual page as plain text, for a host without man(1): as far as our page uses the man(7) macros. */
import { wrap } from "../terminal/text.ts";

/** As man(1) sets a page. */
const textIndent = 7;
const tagIndent = 7;

const escapes: Readonly<Record<string, string>> = {
  "\\-": "-",
  // Does not break a line.
  "\\ ": "\u00A0",
  "\\(ha": "^",
  "\\(aq": "'",
  "\\(dq": '"',
  "\\(ti": "~",
  "\\(bu": "\u2022",
  "\\[dg]": "\u2020",
};

/** @param columns the width that the text may have */
export function pageText(source: string, columns: number): string {
  const page = new Page(columns);
  for (const line of source.trimEnd().split("\n")) page.add(line);
  return page.end();
}

class Page {
  readonly #columns: number;
  readonly #lines: string[] = [];
  #paragraph: string[] = [];
  /** Columns before the paragraph, and before its lines after the first. */
  #indent = textIndent;
  #hang = 0;
  #isLiteral = false;
  #nextIsTag = false;

  constructor(columns: number) {
    this.#columns = columns;
  }

  add(line: string): void {
    const [, macro, rest = ""] = /^\.(\S+) ?(.*)$/.exec(line) ?? [];
    if (macro === undefined || /^[BIR]{1,2}$/.test(macro)) {
      this.#addText(macro === undefined ? plain(line) : fontText(macro, rest));
      return;
    }
    if (macro === '\\"') return;
    this.#flush();
    const [first = ""] = words(rest);
    this.#isLiteral = macro === "EX";
    switch (macro) {
      case "SH":
        this.#separate();
        this.#lines.push(rest);
        this.#setIndent(textIndent);
        break;
      case "SY":
        this.#setIndent(textIndent);
        this.#hang = first.length + 1;
        this.#paragraph.push(first);
        break;
      case "TP":
        this.#separate();
        this.#setIndent(textIndent);
        this.#nextIsTag = true;
        break;
      // Another paragraph under the tag, or one with a mark and its width.
      case "IP":
        this.#separate();
        this.#startMarked(plain(first));
        break;
      case "PP":
        this.#separate();
        this.#setIndent(textIndent);
        break;
      case "in":
        this.#indent += rest === "" ? -4 : 4;
        break;
      default:
    }
  }

  end(): string {
    this.#flush();
    return this.#lines.join("\n").replaceAll("\u00A0", " ").trimStart();
  }

  #addText(text: string): void {
    if (this.#nextIsTag) {
      this.#lines.push(...this.#set(text));
      this.#nextIsTag = false;
      this.#setIndent(textIndent + tagIndent);
    } else if (this.#isLiteral) {
      this.#lines.push(" ".repeat(this.#indent) + text);
    } else {
      this.#paragraph.push(text);
    }
  }

  #startMarked(mark: string): void {
    if (mark === "") {
      this.#setIndent(textIndent + tagIndent);
      return;
    }
    this.#setIndent(textIndent);
    this.#hang = mark.length + 1;
    this.#paragraph.push(mark);
  }

  #setIndent(columns: number): void {
    this.#indent = columns;
    this.#hang = 0;
  }

  #separate(): void {
    if (this.#lines.at(-1) !== "" && this.#lines.length > 0) this.#lines.push("");
  }

  #flush(): void {
    if (this.#paragraph.length > 0) this.#lines.push(...this.#set(this.#paragraph.join(" ")));
    this.#paragraph = [];
  }

  #set(text: string): string[] {
    const width = this.#columns - this.#indent - this.#hang;
    return wrap(text, width).map(
      (line, index) => " ".repeat(this.#indent + (index === 0 ? 0 : this.#hang)) + line,
    );
  }
}

/** The text of `.B words` and the like; of those with two letters the words stand without a space between. */
function fontText(macro: string, rest: string): string {
  return words(rest).join(macro.length === 1 ? " " : "");
}

/** The words of a macro's line; quotes keep one together. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|((?:\\ |\S)+)/g)].map(([, quoted, word]) =>
    plain(quoted ?? word ?? ""),
  );
}

function plain(text: string): string {
  return text
    .replaceAll(/\\f[BIR]/g, "")
    .replaceAll(/\\(?:\(..|\[[^\]]*\]|.)/g, (escape) => escapes[escape] ?? escape);
}
