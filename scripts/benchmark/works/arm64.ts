/** The size of the binaries, and the start of that for arm64 under emulation. */
import { existsSync, statSync } from "node:fs";
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { millisecondsOf } from "../processes.ts";
import { build, compileBun } from "../programs.ts";
import type { Findings, Table } from "../report.ts";
import { figure, ratio } from "../statistics.ts";

const main = `${import.meta.dir}/../../../src/main.ts`;
const emulator = "qemu-aarch64-static";
const libraries = "/usr/aarch64-linux-gnu";
const target = "--target=bun-linux-arm64";

export default {
  name: "arm64",
  title: "Size, and arm64 under emulation",
  async measure(bench: Bench): Promise<Findings> {
    const { programs, directory, lockName, choose } = bench;
    const how = `The same source and flags for linux-arm64, started by \`${emulator} -L ${libraries}\`; the empty Bun program beside it. Only the ratio says something about an arm64 machine.`;
    const sizes: [string, string][] = [
      ["x64", programs.resourcelock],
      ["x64, empty Bun program", programs.empty],
    ];
    const missing = whatIsMissing();
    if (missing !== undefined) {
      return { how, tables: [tableOfSizes(sizes)], aims: [], notes: [`Missing here: ${missing}`] };
    }
    const empty = compileBun(directory, "empty-arm64", "", target);
    const binary = `${directory}/resourcelock-arm64`;
    build(directory, [target, `--outfile=${binary}`, main]);
    sizes.push(["arm64", binary], ["arm64, empty Bun program", empty]);

    const entry = (name: string, ...words: string[]): Entry => ({
      name,
      measure: () => millisecondsOf([emulator, "-L", libraries, ...words]),
    });
    const name = lockName("arm64");
    millisecondsOf([programs.resourcelock, "run", name, "--", "true"]);
    const base = "empty Bun program, arm64";
    const entries = [
      entry(base, empty),
      entry("--version, arm64", binary, "--version"),
      entry("state, arm64", binary, "state", name),
      entry("get, arm64", binary, "get", name),
      entry("unget, arm64", binary, "unget", name),
    ];
    const rounds = choose({ trial: 1, quick: 2, full: 10 });
    const values = await interleave(entries, { rounds, secondsEach: 60 });
    return {
      how,
      tables: [
        tableOfSizes(sizes),
        {
          columns: ["", `x ${base}`, "n"],
          rows: entries.map((one) => {
            const mine = values.get(one.name) ?? [];
            return [one.name, figure(ratio(mine, values.get(base) ?? [])), String(mine.length)];
          }),
        },
      ],
      aims: [],
    };
  },
} satisfies Work;

function whatIsMissing(): string | undefined {
  if (process.arch === "arm64") return "nothing: this machine is arm64 itself";
  if (Bun.which(emulator) === null) return `${emulator} (package qemu-user-static)`;
  if (!existsSync(`${libraries}/lib/ld-linux-aarch64.so.1`)) return "package libc6-arm64-cross";
  return undefined;
}

function tableOfSizes(files: readonly (readonly [string, string])[]): Table {
  const [, emptyX64 = ""] = files[1] ?? [];
  return {
    columns: ["size", "MiB", "MiB over the empty Bun program for x64"],
    rows: files.map(([name, path]) => {
      const [size, base] = [path, emptyX64].map((file) => statSync(file).size / 1024 ** 2);
      return [name, figure(size ?? 0), figure((size ?? 0) - (base ?? 0))];
    }),
  };
}
