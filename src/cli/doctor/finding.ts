/** What `doctor` finds, and how it is shown. */
import { escapeControls } from "../terminal/escape.ts";
import { lockStyles, type Paint, type Style } from "../terminal/colors.ts";
import { counted, wrap } from "../terminal/text.ts";

/** `note`: worth knowing; `warning`: may go wrong; `problem`: goes wrong. */
type Verdict = "ok" | "note" | "warning" | "problem";

export interface Finding {
  /** What was looked at. */
  check: string;
  verdict: Verdict;
  /** What it is and what it means, in sentences. */
  text: string;
  /** What to do about it, in a sentence. */
  advice?: string;
  /** The lock that it is about. */
  lock?: string;
  /** Whose the lock is; the mode in octal. */
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
  ok: lockStyles.free,
  note: "cyan",
  warning: lockStyles.contended,
  problem: lockStyles.broken,
};

/** The width of the longest verdict, with the space after it. */
const indent = 9;
/** In a terminal narrower than this, the verdict has a line of its own, and those below begin at the left. */
const minColumns = 30;

/**
 * The lines of a finding, the verdict first.
 *
 * @param columns the width of the terminal; Infinity when it is no terminal: one line then
 */
export function findingLines(finding: Finding, columns: number, paint: Paint): string[] {
  const { check, verdict, text, advice, lock } = finding;
  const subject = lock === undefined ? check : `${check} "${lock}"`;
  const sentences = [`${subject}: ${text}`, ...(advice === undefined ? [] : [advice])].join(" ");
  const isNarrow = columns < minColumns;
  const left = isNarrow ? 1 : indent;
  const lines = wrap(escapeControls(sentences), columns - left);
  const head = paint(styles[verdict], verdict);
  if (isNarrow) return [head, ...lines.map((line) => " ".repeat(left) + line)];
  const [first = "", ...others] = lines;
  const gap = " ".repeat(indent - verdict.length);
  return [head + gap + first, ...others.map((line) => " ".repeat(left) + line)];
}

/** The last line: as in `All good.`, `1 problem, 2 warnings.` */
export function verdictLine(findings: readonly Finding[], paint: Paint): string {
  const count = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length;
  const [problems, warnings, notes] = [count("problem"), count("warning"), count("note")];
  const found = [
    problems > 0 ? counted(problems, "problem", "problems") : "",
    warnings > 0 ? counted(warnings, "warning", "warnings") : "",
  ].filter((part) => part !== "");
  if (found.length > 0) {
    return paint(problems > 0 ? styles.problem : styles.warning, `${found.join(", ")}.`);
  }
  const aside = notes > 0 ? ` (${counted(notes, "note", "notes")})` : "";
  return paint(lockStyles.held, `All good.${aside}`);
}
