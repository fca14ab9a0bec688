/** What stands in a Markdown file: tables and fenced blocks, each with the heading that it is under. */

/** A fenced block of code. */
export interface Block {
  /** The file that it stands in, such as `docs/guide.md`. */
  file: string;
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
  /** Where the text comes from, for messages. */
  readonly source: string;
  readonly text: string;
  readonly blocks: Block[] = [];
  readonly tables: Table[] = [];

  constructor(source: string, text: string) {
    this.source = source;
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
        const block = textUntil(lines, "```");
        this.blocks.push({ file: source, language, text: block, heading, number });
      } else if (line.startsWith("|")) {
        const [head = [], , ...rows] = [line, ...textUntil(lines, "").split("\n")].map(cells);
        this.tables.push({ heading, head, rows });
      }
    }
  }

  /** All tables under a heading. */
  tablesUnder(heading: string): Table[] {
    return this.tables.filter((table) => table.heading === heading);
  }

  /** The first table under a heading. */
  table(heading: string): Table {
    const [found] = this.tablesUnder(heading);
    if (found === undefined) throw new Error(`${this.source} has no table under ${heading}`);
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
