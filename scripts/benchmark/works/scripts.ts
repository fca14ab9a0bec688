/** Short sections in a script: a session beside it, and flock. */
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { Started } from "../processes.ts";
import { atLeast, tableOf } from "../report.ts";
import { median, ratio } from "../statistics.ts";
import { tool } from "../tool.ts";

const lockers = `${import.meta.dir}/../lockers`;

/** The languages, and how they use flock: bash has descriptors, the others would have to start a command too. */
const languages = [
  { name: "bash", needs: "bash", script: "session.sh", flock: "flock 9; flock -u 9" },
  { name: "Python", needs: "python3", script: "session.py", flock: "flock FILE true" },
  { name: "Node", needs: "node", script: "session.mjs", flock: "flock FILE true" },
  { name: "Perl", needs: "perl", script: "session.pl", flock: "flock FILE true" },
] as const;

type Language = (typeof languages)[number];
type Side = "session" | "flock";

const nameOf = ({ name, flock }: Language, side: Side) =>
  `${name}, ${side === "session" ? "session" : flock}`;

export default {
  name: "scripts",
  title: "Many short sections in a script",
  async measure(bench: Bench) {
    const entries = languages.flatMap((language) => [
      entryOf(bench, language, "session"),
      entryOf(bench, language, "flock"),
    ]);
    const values = await interleave(entries, {
      rounds: bench.choose({ trial: 1, quick: 3, full: 10 }),
      secondsEach: bench.choose({ trial: 5, quick: 5, full: 6 }),
    });
    const valuesOf = (language: Language, side: Side) => values.get(nameOf(language, side)) ?? [];
    const [bash] = languages;
    return {
      how: "A script takes a lock and releases it, again and again: by `get -q` and `unget -q` of one `resourcelock session` that it has started, or by flock, which is a process for each. Microseconds a pair, as the script measures them itself.",
      tables: [tableOf(entries, values, { unit: "us", bases: [nameOf(bash, "flock")] })],
      aims: languages.map((language) =>
        atLeast(
          `sections in ${language.name}: flock takes 30 x as long as a session`,
          ratio(valuesOf(language, "flock"), valuesOf(language, "session")),
          30,
          " x",
        ),
      ),
      shapes: [
        { name: "session, from bash", microseconds: median(valuesOf(bash, "session")) },
        { name: "flock 9, from bash", microseconds: median(valuesOf(bash, "flock")) },
      ],
    };
  },
} satisfies Work;

function entryOf(bench: Bench, language: Language, side: Side): Entry {
  const name = nameOf(language, side);
  const { missing = tool("flock", "util-linux").missing } = tool(language.needs, language.needs);
  return missing === undefined
    ? { name, measure: () => microsecondsOf(bench, language, side) }
    : { name, missing };
}

async function microsecondsOf(bench: Bench, language: Language, side: Side): Promise<number> {
  const { programs, lockName, directory, choose } = bench;
  const pairs = choose({ trial: 2, quick: 50, full: side === "session" ? 2000 : 100 });
  const lock = lockName("scripts", language.name);
  const words = [language.needs, `${lockers}/${language.script}`, side, programs.resourcelock];
  const script = new Started([...words, lock, `${directory}/${lock}`, String(pairs)]);
  const microseconds = Number(await script.line());
  if ((await script.end()) !== 0) throw new Error(`${nameOf(language, side)} failed`);
  return microseconds;
}
