/** The lines of `state`, painted by the one rule for every screen. */
import { styleOfLock } from "../status/list-columns.ts";
import type { State } from "../status/existing.ts";
import { lockStyles, type Paint } from "../terminal/colors.ts";
import { escapeControls } from "../terminal/escape.ts";

/** Where the first line of `state` may go on in a line of its own, so that no word and no command line is broken. */
const secondPart = /; (?=release it with: |the next run or get |last held by )/;

/**
 * Paints what `state` says of a lock: the lock's name, how it is, and who waits.
 *
 * @param columns the width of the terminal
 */
export function stateScreen(
  lines: readonly string[],
  state: State,
  { paint, columns }: { paint: Paint; columns: number },
): string[] {
  const { name, status, locked } = state;
  const isStale = status.holders.some(({ attachment }) => attachment === "stale");
  const condition = isStale ? "stale" : locked ? "held" : "free";
  const style = styleOfLock({ state: condition, waiters: status.waiters });
  const [first = "", ...others] = lines.map(escapeControls);
  const parts = Bun.stringWidth(first) > columns ? first.split(secondPart) : [first];
  const [head = "", ...rest] = parts;
  const details = [...rest.map((part) => `  ${part}`), ...others];
  const shown = escapeControls(name);
  return [
    paint("bold", shown) + paint(style, head.slice(shown.length)),
    ...details.map((line) => (/^ +\d+\. /.test(line) ? paint(lockStyles.contended, line) : line)),
  ];
}
