/** What was meant by a word that is wrong. */
import type { CommandLine } from "./command-line.ts";
import { options } from "./options.ts";
import { UsageError } from "./words.ts";

/** The error for a command line without a command. */
export function noCommand(
  { options: given, positionals }: CommandLine,
  names: readonly string[],
): UsageError {
  const unknown = given.find(({ name }) => name === undefined);
  if (unknown !== undefined) {
    const long = Object.keys(options).map((name) => `--${name}`);
    return new UsageError(`unknown option ${unknown.shown}${suggestion(unknown.shown, long)}`);
  }
  const [first, second] = positionals;
  if (first === undefined) {
    return new UsageError(`a command is missing: one of ${names.join(", ")}`);
  }
  const hint = suggestion(first, names);
  if (second === undefined && hint === "") {
    return new UsageError(
      `${JSON.stringify(first)} is not a command, and as a lock's name it needs one: ${names.join(", ")}`,
    );
  }
  const word = hint === "" && second !== undefined ? second : first;
  return new UsageError(`unknown command ${JSON.stringify(word)}${suggestion(word, names)}`);
}

/** `; did you mean X?` with the nearest word, where one is near enough to have been meant. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(
      ({ candidate, distance }) => distance <= Math.max(1, Math.ceil(candidate.length / 2) - 1),
    )
    .toSorted((one, other) => one.distance - other.distance);
  return nearest === undefined ? "" : `; did you mean ${nearest.candidate}?`;
}

/** Letters to insert, delete, replace or swap with their neighbour: optimal string alignment. */
function editDistance(one: string, other: string): number {
  let previous: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let column = 0; column < other.length; column++) {
      const same = one[index] === other[column];
      const swapped = one[index] === other[column - 1] && one[index - 1] === other[column];
      next.push(
        Math.min(
          (row[column] ?? 0) + (same ? 0 : 1),
          (row[column + 1] ?? 0) + 1,
          (next[column] ?? 0) + 1,
          swapped ? (previous[column - 1] ?? 0) + 1 : Infinity,
        ),
      );
    }
    previous = row;
    row = next;
  }
  return row.at(-1) ?? 0;
}
