/** What stands in a manual page, read from its source, as far as ours uses the man(7) macros. */

/** A tagged paragraph: an option and what is said about it. */
export interface Tagged {
  tag: string;
  text: string;
}

export class ManualPage {
  readonly #sections = new Map<string, string[]>();
  /** The words of the title line: name, section, date, source, manual. */
  readonly title: readonly string[];

  constructor(source: string) {
    let section: string[] = [];
    let title: string[] = [];
    for (const line of source.split("\n")) {
      if (line.startsWith(".TH ")) {
        title = words(line.slice(4));
      } else if (line.startsWith(".SH ")) {
        section = [];
        this.#sections.set(line.slice(4), section);
      } else {
        section.push(line);
      }
    }
    this.title = title;
  }

  get sections(): string[] {
    return [...this.#sections.keys()];
  }

  /** The synopses, each a line: `resourcelock get NAME [-t TIME] ...`. */
  get synopses(): string[] {
    return this.#groups("SYNOPSIS", ".SY").map(plain);
  }

  /** The tagged paragraphs of a section. */
  tagged(section: string): Tagged[] {
    return this.#groups(section, ".TP").map(([, tag = "", ...text]) => ({
      tag: plain([tag]),
      text: plain(text),
    }));
  }

  /** The lines that each macro of a name starts, up to the next paragraph. */
  #groups(section: string, macro: string): string[][] {
    const groups: string[][] = [];
    let open = false;
    for (const line of this.#sections.get(section) ?? []) {
      if (line === macro || line.startsWith(`${macro} `)) {
        groups.push([line]);
        open = true;
      } else if (/^\.(PP|YS)$/.test(line)) {
        open = false;
      } else if (open) {
        groups.at(-1)?.push(line);
      }
    }
    return groups;
  }
}

const escapes: Record<string, string> = {
  "\\-": "-",
  "\\ ": " ",
  "\\(ha": "^",
  "\\(aq": "'",
  "\\(dq": '"',
  "\\(ti": "~",
};

/** The text that lines of source print. */
function plain(lines: readonly string[]): string {
  return lines
    .map((line) => {
      const [, macro, rest = ""] = /^\.([A-Z]+) ?(.*)/.exec(line) ?? [];
      if (macro === undefined) return line;
      // .BR and the like set their words by turns in two fonts, without a space between.
      return words(rest).join(/^[BIR]{2}$/.test(macro) ? "" : " ");
    })
    .join(" ")
    .replaceAll(/\\f[BIR]/g, "")
    .replaceAll(/\\(?:\(..|.)/g, (escape) => escapes[escape] ?? escape)
    .trim();
}

/** The words of a macro's line; quotes keep one together. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}
