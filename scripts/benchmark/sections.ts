/** Sections under a lock, as the lockers tell of them. */
import type { Started } from "./processes.ts";

/** One section: CLOCK_MONOTONIC, nanoseconds. */
export interface Section {
  locker: number;
  asked: number;
  granted: number;
  released: number;
}

/** Reads the answer to `sections`. */
export async function readSections(process: Started, locker: number): Promise<Section[]> {
  const sections: Section[] = [];
  for (;;) {
    const line = await process.line();
    if (line === "done") return sections;
    const [asked = 0, granted = 0, released = 0] = line.split(" ").map(Number);
    sections.push({ locker, asked, granted, released });
  }
}

/**
 * From each release to the next grant, where that is another locker's which was waiting already:
 * microseconds.
 */
export function handOvers(sections: readonly Section[]): number[] {
  const ordered = sections.toSorted((one, other) => one.granted - other.granted);
  return ordered.flatMap((next, index) => {
    const before = ordered[index - 1];
    if (before === undefined || before.locker === next.locker) return [];
    return next.asked < before.released ? [(next.granted - before.released) / 1000] : [];
  });
}
