/** Eight processes that want one lock again and again. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { ofStructure } from "../limits.ts";
import { names, polling, type Locker, type Runner } from "../peers.ts";
import { Started } from "../processes.ts";
import { atLeast, atMost, tableOf, type Aim } from "../report.ts";
import { ratio } from "../statistics.ts";

const processes = 8;

/** Runs `"$@"` so many times, once it is told to. */
const loop =
  'read -r go && i=0 && while [ $i -lt "$go" ]; do "$@" </dev/null || exit; i=$((i + 1)); done';

export default {
  name: "contention",
  title: "Eight processes at one lock",
  async measure(bench: Bench) {
    const { runners, lockers, programs, choose } = bench;
    const overlaps = new Map<string, number>();
    const rounds = choose({ trial: 1, quick: 5, full: 20 });
    const each = choose({ trial: 2, quick: 10, full: 50 });

    const commands: Entry[] = runners.map((runner) => ({
      name: runner.name,
      ...(runner.missing === undefined && programs.mark !== undefined
        ? { measure: () => contendByCommands(bench, runner, each, overlaps) }
        : { missing: runner.missing ?? "a C compiler (package gcc)" }),
    }));
    const [slow, fast] = [true, false].map((wanted) =>
      commands.filter(({ name }) => isSlow(name) === wanted),
    );
    const byCommands = await interleave(fast ?? [], { rounds, secondsEach: secondsOf(bench) });
    // Some need a second and more for one section: a few sections tell.
    const few = choose({ trial: 1, quick: 1, full: 2 });
    for (const entry of slow ?? []) {
      const runner = runners.find(({ name }) => name === entry.name);
      const isHere = runner !== undefined && entry.missing === undefined;
      byCommands.set(
        entry.name,
        isHere ? [await contendByCommands(bench, runner, few, overlaps)] : [],
      );
    }

    const libraryRounds = choose({ trial: 1, quick: 3, full: 10 });
    const libraryEach = choose({ trial: 5, quick: 20, full: 100 });
    const ready = await Promise.all(lockers.map((locker) => readyToContend(bench, locker)));
    const libraries = lockers.map(({ name, missing }, index): Entry => {
      const group = ready[index];
      if (missing !== undefined || group === undefined) return { name, missing };
      return { name, measure: () => contendByLockers(bench, name, group, libraryEach, overlaps) };
    });
    const byLibraries = await interleave(libraries, {
      rounds: libraryRounds,
      secondsEach: choose({ trial: 0.2, quick: 1, full: 15 }),
    });
    await Promise.all(ready.flatMap((group) => group ?? []).map((process) => process.kill()));

    const times = (name: string, base: string) =>
      ratio(byCommands.get(name) ?? [], byCommands.get(base) ?? []);
    return {
      how: `${processes} shells that each run \`resourcelock run NAME -- SECTION\` (or \`flock FILE SECTION\` and so on) ${each} times a round, up to ${rounds} rounds (slow ones: ${few} times, once); and ${processes} processes that each take and release it ${libraryEach} times a round. A section makes a witness file with O_EXCL, adds 1 to a number in another file, and deletes the witness. The figures are milliseconds a section.`,
      tables: [
        tableOf(commands, byCommands, { unit: "ms", bases: [names.flock, names.sem] }),
        tableOf(libraries, byLibraries, { unit: "ms", bases: [names.semaphore, names.python] }),
      ],
      aims: [
        noOverlap("eight shells", names.run, overlaps),
        noOverlap("eight library processes, getLock", names.getLock, overlaps),
        noOverlap("eight library processes, acquire", names.acquire, overlaps),
        {
          ...atMost("eight shells: at most 3.8 x flock", times(names.run, names.flock), 3.8, " x"),
          limit: "1.0 x, flock",
          why: ofStructure,
        },
        atLeast(
          "eight shells: sem takes 5 x as long and more",
          times(names.sem, names.run),
          5,
          " x",
        ),
      ],
      notes: [...overlaps]
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${name}: ${count} sections were entered while another was in it`),
    };
  },
} satisfies Work;

/** They take so long for a section that a few of them tell. */
function isSlow(name: string): boolean {
  return polling.has(name) || name === names.etcdctl;
}

function secondsOf({ choose }: Bench): number {
  return choose({ trial: 0.2, quick: 1, full: 80 });
}

function noOverlap(what: string, name: string, overlaps: ReadonlyMap<string, number>): Aim {
  const count = overlaps.get(name);
  return {
    aim: `${what}: no overlap, by an O_EXCL witness`,
    measured: count === undefined ? "not measured here" : `${count} overlaps`,
    met: count === undefined ? undefined : count === 0,
  };
}

function note(overlaps: Map<string, number>, name: string, count: number): void {
  overlaps.set(name, (overlaps.get(name) ?? 0) + count);
}

/** Milliseconds a section. @throws where a section was lost */
async function contendByCommands(
  { directory, lockName, programs }: Bench,
  { name, words, environment }: Runner,
  each: number,
  overlaps: Map<string, number>,
): Promise<number> {
  const place = newPlace(directory);
  const command = words(lockName("contention", name), [programs.mark ?? "", "section", place]);
  const shells = Array.from({ length: processes }, () => {
    return new Started(["sh", "-c", loop, "sh", ...command], environment);
  });
  const start = performance.now();
  await Promise.all(shells.map((shell) => shell.say(String(each))));
  await Promise.all(shells.map((shell) => shell.end()));
  const elapsed = performance.now() - start;

  const overlapping = existsSync(`${place}/overlaps`) ? statSync(`${place}/overlaps`).size : 0;
  note(overlaps, name, overlapping);
  const counted = Number(readFileSync(`${place}/counter`, "utf8"));
  if (overlapping === 0 && counted !== each * processes) {
    throw new Error(`${name}: ${counted} sections were counted of ${each * processes}`);
  }
  rmSync(place, { recursive: true });
  return elapsed / (each * processes);
}

function newPlace(directory: string): string {
  const place = `${directory}/sections`;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  return place;
}

async function readyToContend(
  { lockName }: Bench,
  { name, missing, words, environment }: Locker,
): Promise<Started[] | undefined> {
  if (missing !== undefined) return undefined;
  const group = Array.from({ length: processes }, () => {
    return new Started(words(lockName("contention-in-process", name)), environment);
  });
  for (const process of group) await process.ask("pairs 1");
  return group;
}

async function contendByLockers(
  { directory }: Bench,
  name: string,
  group: readonly Started[],
  each: number,
  overlaps: Map<string, number>,
): Promise<number> {
  const place = newPlace(directory);
  const start = performance.now();
  const counts = await Promise.all(group.map((process) => process.ask(`contend ${each} ${place}`)));
  const elapsed = performance.now() - start;
  note(
    overlaps,
    name,
    counts.reduce((sum, count) => sum + Number(count), 0),
  );
  return elapsed / (each * group.length);
}
