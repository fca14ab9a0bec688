/** What was meant by a word that is wrong. */
import { lockCommands } from "./command.ts";
import { type CommandLine, positionalsOf } from "./command-line.ts";
import { options } from "./options.ts";
import { lockWord, shellWord } from "./shell-word.ts";
import { type OptionWord, UsageError } from "./words.ts";

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
  for (const word of positionals.slice(0, 2)) {
    const hint = commandHint(word, names);
    if (hint !== "") return new UsageError(`unknown command ${JSON.stringify(word)}${hint}`);
  }
  const meant = runMeant(given, positionals, names);
  if (meant !== undefined) return meant;
  if (second !== undefined) {
    const words = `${JSON.stringify(first)} nor ${JSON.stringify(second)}`;
    return new UsageError(`neither ${words} is a command: ${names.join(", ")}`);
  }
  const before = names.filter(takesNames).join(", ");
  return new UsageError(
    `${JSON.stringify(first)} is not a command; for a lock of that name, put a command before it: ${before}`,
  );
}

/** The error for a call as of flock, `[-n] NAME COMMAND`: it shows the same call with `run`. */
function runMeant(
  given: readonly OptionWord[],
  positionals: readonly string[],
  names: readonly string[],
): UsageError | undefined {
  const [name, program, ...rest] = positionals;
  if (name === undefined || program === undefined) return undefined;
  if (names.includes(program.toLowerCase()) || Bun.which(program) === null) return undefined;
  const lock = name.startsWith("/") ? name.slice(name.lastIndexOf("/") + 1) : name;
  const optionWords = given.flatMap(({ shown, value }) => [shown, value ?? []].flat());
  const words = [...optionWords, lock, program, ...rest].map(shellWord).join(" ");
  return new UsageError(
    `${JSON.stringify(name)} is not a command; to run ${program} under a lock: resourcelock run ${words}`,
  );
}

/** What a word too many was meant for, by the command that does not take it. */
const wordHints: Readonly<Record<string, (word: string) => string>> = Object.assign(
  Object.create(null),
  {
    list: (word: string) => `; list shows all locks; for one: resourcelock state ${lockWord(word)}`,
    doctor: (word: string) =>
      `; doctor checks all locks; for one: resourcelock state ${lockWord(word)}`,
    get: (word: string) =>
      Bun.which(word) === null
        ? "; get takes one lock, for several: resourcelock run A,B COMMAND; a message with spaces needs quotes"
        : "; get runs no command, for that: resourcelock run NAME COMMAND; a message with spaces needs quotes",
    session: () => "; session reads its requests from stdin",
  },
);

/** `; what was meant`, or "". @param command undefined where there is none, as in a test */
export function extraWordHint(command: string | undefined, word: string): string {
  return wordHints[command ?? ""]?.(word) ?? "";
}

const ungetHint = "; to release a lock: resourcelock unget NAME";
const sessionEndHint = "; what a session holds is released by unget, or when the session ends";
const sharedHint = "; shared holds are for run and session";

/** What an option was meant for, by the command that does not take it. */
const optionHints: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  run: {
    "-u": ungetHint,
    "--unlock": ungetHint,
    "-a": "; to hold a lock for a time: resourcelock get NAME -a TIME",
    "--json": "; stdout is the command's",
  },
  // --owner-pid and -a are unknown only to the get of a session.
  get: {
    "-s": sharedHint,
    "--shared": sharedHint,
    "--slots": "; slots are for run and session",
    "--replace": "; it is for run, which has a command to end",
    "--owner-pid": sessionEndHint,
    "-a": sessionEndHint,
    "--auto-unget": sessionEndHint,
  },
};

/** `; what was meant`, or "". */
export function extraOptionHint(command: string | undefined, option: string): string {
  return optionHints[command ?? ""]?.[option] ?? "";
}

/** What other programs call what a command does. */
const otherNames: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  acquire: "get or run",
  completion: "complete",
  completions: "complete",
  delete: "remove",
  exec: "run",
  free: "unget",
  lock: "get or run",
  log: "history",
  ls: "list",
  ps: "list",
  release: "unget",
  rm: "remove",
  show: "state",
  status: "state",
  try: "run -n",
  unlock: "unget",
  watch: "trace",
} satisfies Record<string, string>);

/** `; did you mean X?` with the command that was meant, or "". */
export function commandHint(word: string, names: readonly string[]): string {
  const meant = otherNames[word];
  return meant === undefined ? suggestion(word, names) : `; did you mean ${meant}?`;
}

function takesNames(command: string): boolean {
  const words: readonly string[] = lockCommands;
  return words.includes(command);
}

/**
 * The error for two commands in one line: who writes them has mixed something up, and neither is taken for a lock.
 *
 * @returns undefined also where neither is about a lock: then the second one is a word too many
 */
export function twoCommands(
  { command, positionals }: CommandLine,
  names: readonly string[],
): UsageError | undefined {
  const other = positionals.find((word) => names.includes(word));
  if (command === undefined || other === undefined) return undefined;
  const { name } = command;
  const isOfLocks = takesNames(name);
  // Words such as those of help are no locks.
  if (!isOfLocks && (positionalsOf(command).length > 0 || !takesNames(other))) return undefined;
  const lock = isOfLocks ? other : name;
  const call = isOfLocks ? `/${other}` : `/${name} ${other}`;
  return new UsageError(
    `${JSON.stringify(name)} and ${JSON.stringify(other)} are both commands; for a lock "${lock}", write ${JSON.stringify(call)}`,
  );
}

/** `; did you mean X?` with the nearest word, if one is near enough to have been meant, or "". */
export function suggestion(word: string, candidates: readonly string[]): string {
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: distanceTo(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= maxDistance(candidate))
    .toSorted((one, other) => one.distance - other.distance);
  return nearest === undefined ? "" : `; did you mean ${nearest.candidate}?`;
}

/** A slip in a short word, two or three in a long one. A guess that is further off misleads. */
function maxDistance(candidate: string): number {
  return Math.max(1, Math.floor(candidate.replace(/^--/, "").length / 3));
}

/** The beginning of a word is near to it, however long the word is. */
function distanceTo(word: string, candidate: string): number {
  const isBeginning = word.replace(/^--/, "").length >= 3 && candidate.startsWith(word);
  return isBeginning ? 1 : editDistance(word, candidate);
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
