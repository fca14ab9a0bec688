/** What stands in a Markdown file: tables and fenced blocks, each with the heading that it is under. */

/** A fenced block of code. */
export interface Block {
  language: string;
  text: string;
  heading: string;
  /** Which block it is of those under its heading, from 1. */
  number: number;
}

/** A row of a table: its cells as plain text, without the marks of code and bold. */
type Row = readonly string[];

interface Table {
  heading: string;
  head: Row;
  rows: Row[];
}

export class Markdown {
  readonly text: string;
  readonly blocks: Block[] = [];
  readonly tables: Table[] = [];

  constructor(text: string) {
    this.text = text;
    let heading = "";
    let number = 0;
    const lines = text.split("\n").values();
    for (const line of lines) {
      const [, title] = /^#+ (.*)/.exec(line) ?? [];
      if (title !== undefined) {
        heading = title;
        number = 0;
      } else if (line.startsWith("```")) {
        number += 1;
        const language = line.slice(3);
        this.blocks.push({ language, text: textUntil(lines, "```"), heading, number });
      } else if (line.startsWith("|")) {
        const [head = [], , ...rows] = [line, ...textUntil(lines, "").split("\n")].map(cells);
        this.tables.push({ heading, head, rows });
      }
    }
  }

  /** The first table under a heading. */
  table(heading: string): Table {
    const found = this.tables.find((table) => table.heading === heading);
    if (found === undefined) throw new Error(`README.md has no table under ${heading}`);
    return found;
  }
}

function textUntil(lines: Iterator<string>, end: string): string {
  const found: string[] = [];
  for (let next = lines.next(); next.done !== true && next.value !== end; next = lines.next()) {
    found.push(next.value);
  }
  return found.join("\n");
}

function cells(line: string): Row {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.replaceAll(/`|\*\*|\\(?=\|)/g, "").trim());
}
