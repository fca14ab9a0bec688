/** Measuring several things in turn, so that what else the machine does meets all of them alike. */

export interface Entry {
  name: string;
  /** Does the work once and gives what it took, in the caller's unit; not there where {@link missing} is. */
  measure?: () => number | Promise<number>;
  /** Why it cannot be measured here. */
  missing?: string | undefined;
}

export interface Bounds {
  /** How often each is measured at most. */
  rounds: number;
  /** Seconds that one entry may take in all; a slow one sits out most rounds, but gets three, in three times that. */
  secondsEach: number;
}

/**
 * Measures all entries round by round. The values stand by the entries' names; of a missing one there are
 * none.
 */
export async function interleave(
  entries: readonly Entry[],
  { rounds, secondsEach }: Bounds,
): Promise<Map<string, number[]>> {
  const fewest = Math.min(3, rounds);
  const participants = entries.map(({ name, measure }) => {
    return { name, measure, values: Array.of<number>(), seconds: 0, every: 1 };
  });
  for (let round = 0; round < rounds; round++) {
    for (const participant of participants) {
      const { measure, values } = participant;
      if (measure === undefined) continue;
      if (values.length >= fewest && round % participant.every !== 0) continue;
      const isOver = participant.seconds >= secondsEach;
      if (isOver && (values.length >= fewest || participant.seconds >= 3 * secondsEach)) continue;
      const start = performance.now();
      values.push(await measure());
      participant.seconds += (performance.now() - start) / 1000;
      const secondsOnce = participant.seconds / values.length;
      participant.every = Math.max(1, Math.ceil((secondsOnce * rounds) / secondsEach));
    }
  }
  return new Map(participants.map(({ name, values }) => [name, values]));
}
