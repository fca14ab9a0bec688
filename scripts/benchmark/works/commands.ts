/** `state`, `get` and `unget` as whole processes, beside an empty one. */
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { ofStructure } from "../limits.ts";
import { millisecondsOf } from "../processes.ts";
import { atMost, tableOf } from "../report.ts";
import { ratio } from "../statistics.ts";
import { emptyProgram } from "./one-job.ts";

export default {
  name: "commands",
  title: "state, get, unget",
  async measure({ programs, lockName, choose }: Bench) {
    const program = programs.resourcelock;
    const name = lockName("commands");
    millisecondsOf([program, "run", name, "--", "true"]);
    // In this order get finds the lock free, and unget finds it locked.
    const entries = [
      entry(emptyProgram, [programs.empty]),
      entry("state", [program, "state", name]),
      entry("get", [program, "get", name]),
      entry("unget", [program, "unget", name]),
      entry("--version", [program, "--version"]),
    ];
    const values = await interleave(entries, {
      rounds: choose({ trial: 3, quick: 50, full: 300 }),
      // All of them in every round.
      secondsEach: 60,
    });
    const times = (command: string) =>
      ratio(values.get(command) ?? [], values.get(emptyProgram) ?? []);
    return {
      how: "`resourcelock state NAME`, `get NAME`, `unget NAME`, of a lock that exists and is free but for the `unget`.",
      tables: [tableOf(entries, values, { unit: "ms", bases: [emptyProgram] })],
      aims: ["state", "get", "unget"].map((command) =>
        Object.assign(
          atMost(`${command}: at most 1.4 x the empty Bun program`, times(command), 1.4, " x"),
          {
            limit: "1.0 x, the empty program",
            why: ofStructure,
          },
        ),
      ),
    };
  },
} satisfies Work;

function entry(name: string, words: string[]): Entry {
  return { name, measure: () => millisecondsOf(words) };
}
