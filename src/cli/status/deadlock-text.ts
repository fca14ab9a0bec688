/** What the commands say of circles of waits. */
import type { Circle } from "../../lock/circle.ts";
import { processText } from "./status-text.ts";

/**
 * What a wait is behind: as in `behind pid 12 (backup), which waits for lock "disk" behind this one`.
 *
 * @param closing stands for whom the last wait is behind, and so for the one that the first wait is of
 */
export function behindText(circle: Circle, closing: string): string {
  const parts = circle.map(({ lockName, blocker }, index) => {
    const who = index === circle.length - 1 ? closing : processText(blocker);
    return index === 0 ? `behind ${who}` : `, which waits for lock "${lockName}" behind ${who}`;
  });
  return parts.join("");
}

/** As in `pid 9 (deploy) waits for lock "net" behind pid 12 (backup), which waits for lock "disk" behind pid 9 (deploy)`. */
export function deadlockText(circle: Circle): string {
  const [first] = circle;
  const last = circle.at(-1);
  if (first === undefined || last === undefined) return "";
  const behind = behindText(circle, processText(last.blocker));
  return `${processText(first.waiter)} waits for lock "${first.lockName}" ${behind}`;
}

/** The texts of the circles that a lock is part of. */
export function deadlocksOfLock(circles: readonly Circle[], lockName: string): string[] {
  return circles
    .filter((circle) => circle.some((wait) => wait.lockName === lockName))
    .map(deadlockText);
}
