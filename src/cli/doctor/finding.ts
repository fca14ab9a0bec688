/** What `doctor` finds, and how it is shown. */
import { escapeControls } from "../terminal/escape.ts";
import type { Paint, Style } from "../terminal/colors.ts";
import { wrap } from "../terminal/wrap.ts";

/** `note`: worth knowing; `warning`: may go wrong; `problem`: goes wrong. */
type Verdict = "ok" | "note" | "warning" | "problem";

export interface Finding {
  /** What was looked at. */
  check: string;
  verdict: Verdict;
  /** What it is and what it means, in sentences. */
  text: string;
  /** What to do about it, in sentences. */
  advice?: string;
  /** The lock that it is about. */
  lock?: string;
  /** Whose that is; the mode in octal. */
  access?: { user: string; group: string; mode: string };
}

/** Whether somebody should act upon it. */
export function needsAttention({ verdict }: Finding): boolean {
  return verdict === "warning" || verdict === "problem";
}

export function findingJson({ check, verdict, lock, text, advice, access }: Finding): object {
  const { user = null, group = null, mode = null } = access ?? {};
  return { check, verdict, name: lock ?? null, text, advice: advice ?? null, user, group, mode };
}

const styles: Record<Verdict, Style> = {
  ok: "green",
  note: "cyan",
  warning: "yellow",
  problem: "red",
};

/** So wide is the longest verdict, with the space behind it. */
const indent = 9;
/** In a terminal narrower than this, the verdict has a line of its own, and those below begin at the left. */
const leastColumns = 30;

/**
 * Its lines, the verdict first.
 *
 * @param columns the width of the terminal; Infinity where it is no terminal: one line then
 */
export function findingLines(finding: Finding, columns: number, paint: Paint): string[] {
  const { check, verdict, text, advice, lock } = finding;
  const subject = lock === undefined ? check : `${check} <${lock}>`;
  const sentences = [`${subject}: ${text}`, ...(advice === undefined ? [] : [advice])].join(" ");
  const isNarrow = columns < leastColumns;
  const left = isNarrow ? 1 : indent;
  const lines = wrap(escapeControls(sentences), columns - left);
  const head = paint(styles[verdict], verdict);
  if (isNarrow) return [head, ...lines.map((line) => " ".repeat(left) + line)];
  const [first = "", ...others] = lines;
  const gap = " ".repeat(indent - verdict.length);
  return [head + gap + first, ...others.map((line) => " ".repeat(left) + line)];
}
