/** Texts in the columns of a terminal, where a character may take two of them, or none. */

/**
 * Whether the terminal, and whoever reads a pipe, is likely to show more than ASCII. A locale that nobody has set
 * counts as UTF-8, as in systemd's is_locale_utf8().
 */
export function isUtf8(environment: Record<string, string | undefined> = process.env): boolean {
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
  return locale === "" || /utf-?8/i.test(locale);
}

/** Marks the end of a text that was cut: one column wide. */
function ellipsis(): string {
  return isUtf8() ? "…" : "~";
}

/** A text that takes no more than so many columns; its last one is an ellipsis when the text was longer. */
export function cutToColumns(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (columns < 1) return "";
  let end = columns - 1;
  // sliceAnsi() rounds up in the middle of a wide character.
  while (Bun.stringWidth(Bun.sliceAnsi(text, 0, end)) >= columns) end -= 1;
  return Bun.sliceAnsi(text, 0, end) + ellipsis();
}

/** A text that takes so many columns, neither more nor fewer. */
export function fitToColumns(text: string, columns: number): string {
  const cut = cutToColumns(text, columns);
  return cut + " ".repeat(Math.max(0, columns - Bun.stringWidth(cut)));
}

/** The lines of a text that are no wider than so many columns, except for words that are. */
export function wrap(text: string, columns: number): string[] {
  return Bun.wrapAnsi(text, Math.max(1, columns)).split("\n");
}

/** As in `1 waits`, `2 wait`: the form of a word that a number asks for. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** As in `1st`, `22nd`, `113th`. */
export function ordinal(number: number): string {
  const teens = number % 100 > 10 && number % 100 < 14;
  const ending = teens ? undefined : ["st", "nd", "rd"][(number % 10) - 1];
  return `${number}${ending ?? "th"}`;
}

/** Compares names so that lk2 comes before lk10, the same way on every host. */
export function compareNaturally(one: string, other: string): number {
  const [parts, otherParts] = [one, other].map((name) => name.split(/(\d+)/));
  for (const [index, part] of (parts ?? []).entries()) {
    const otherPart = otherParts?.[index];
    if (otherPart === undefined) return 1;
    const order = index % 2 === 1 ? compareDigits(part, otherPart) : compareCode(part, otherPart);
    if (order !== 0) return order;
  }
  return (parts?.length ?? 0) - (otherParts?.length ?? 0) || compareCode(one, other);
}

/** Any number of digits, leading zeros aside. */
function compareDigits(one: string, other: string): number {
  const [value, otherValue] = [one, other].map((digits) => digits.replace(/^0+/, ""));
  return (
    (value?.length ?? 0) - (otherValue?.length ?? 0) || compareCode(value ?? "", otherValue ?? "")
  );
}

function compareCode(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
