/** The lines of `state`, painted by the one rule for every screen. */
import { styleOfLock } from "../status/list-columns.ts";
import type { State } from "../status/existing.ts";
import { lockStyles, type Paint } from "../terminal/colors.ts";
import { escapeControls } from "../terminal/escape.ts";

/** Paints what `state` says of a lock: the lock's name, how it is, and who waits. */
export function stateScreen(lines: readonly string[], state: State, paint: Paint): string[] {
  const { name, status, locked } = state;
  const isStale = status.holders.some(({ attachment }) => attachment === "stale");
  const condition = isStale ? "stale" : locked ? "held" : "free";
  const style = styleOfLock({ state: condition, waiters: status.waiters });
  const [head = "", ...details] = lines.map(escapeControls);
  const shown = escapeControls(name);
  return [
    paint("bold", shown) + paint(style, head.slice(shown.length)),
    ...details.map((line) => (/^ +\d+\. /.test(line) ? paint(lockStyles.contended, line) : line)),
  ];
}
