/** The size of the binaries, and the start of that for arm64 under emulation. */
import { statSync } from "node:fs";
import type { Bench, Work } from "../context.ts";
import { interleave, type Entry } from "../interleave.ts";
import { millisecondsOf } from "../processes.ts";
import { build, compileBun, outputOf } from "../programs.ts";
import type { Findings, Table } from "../report.ts";
import { figure, ratio } from "../statistics.ts";

const main = `${import.meta.dir}/../../../src/main.ts`;
const emulator = "qemu-aarch64-static";
const scripts = `${import.meta.dir}/../..`;

export default {
  name: "arm64",
  title: "Size, and arm64 under emulation",
  async measure(bench: Bench): Promise<Findings> {
    const { programs, directory, lockName, choose } = bench;
    const how = `The same source and flags for linux-arm64, started by \`${emulator}\`; the empty Bun program beside it. Only the ratio says something about an arm64 machine.`;
    const sizes: [string, string][] = [
      ["x64", programs.resourcelock],
      ["x64, empty Bun program", programs.empty],
    ];
    const missing = whatIsMissing();
    if (missing !== undefined) {
      return { how, tables: [tableOfSizes(sizes)], aims: [], notes: [`Missing here: ${missing}`] };
    }
    const runtime = outputOf(`${scripts}/setup`, "--runtime=linux-arm64");
    const target = ["--target=bun-linux-arm64", `--compile-executable-path=${runtime}`];
    const empty = compileBun(directory, "empty-arm64", "", ...target);
    const binary = `${directory}/resourcelock-arm64`;
    build(directory, [...target, `--outfile=${binary}`, main]);
    const [emulatedEmpty = "", emulated = ""] = [empty, binary].map((program) =>
      outputOf(`${scripts}/emulate-arm64`, program),
    );
    sizes.push(["arm64", binary], ["arm64, empty Bun program", empty]);

    const name = lockName("arm64");
    millisecondsOf([programs.resourcelock, "run", name, "--", "true"]);
    const base = "empty Bun program, arm64";
    const entries = [
      entry(base, emulatedEmpty),
      entry("--version, arm64", emulated, "--version"),
      entry("state, arm64", emulated, "state", name),
      entry("get, arm64", emulated, "get", name),
      entry("unget, arm64", emulated, "unget", name),
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

function entry(name: string, ...words: string[]): Entry {
  return { name, measure: () => millisecondsOf(words) };
}

function whatIsMissing(): string | undefined {
  if (process.arch === "arm64") return "nothing: this machine is arm64 itself";
  if (Bun.which(emulator) === null) return `${emulator} (package qemu-user-static)`;
  if (Bun.which("cc") === null) return "cc (package gcc)";
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
