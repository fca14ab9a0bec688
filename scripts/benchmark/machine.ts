/** The machine that was measured on, and what was measured. */
import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type as system } from "node:os";
import { outputOf } from "./processes.ts";
import type { Table } from "./report.ts";

const root = `${import.meta.dir}/../..`;

export function machineTable(): Table {
  const processors = cpus();
  const [load = 0] = loadavg();
  return {
    columns: ["", ""],
    rows: [
      ["processors", `${processors.length} x ${processors[0]?.model ?? "unknown"} (${arch()})`],
      ["memory", `${(totalmem() / 1024 ** 3).toFixed(1)} GiB`],
      ["kernel", `${system()} ${release()}`],
      ["libc", outputOf(["getconf", "GNU_LIBC_VERSION"]) ?? "unknown"],
      ["load before", load.toFixed(2)],
      ["Bun", Bun.version],
      ["this program", programVersion()],
      ["when", new Date().toISOString().slice(0, 16).replace("T", " ")],
    ],
  };
}

function programVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const commit = outputOf(["git", "-C", root, "rev-parse", "--short", "HEAD"]);
  return commit === undefined || !/^[0-9a-f]+$/.test(commit) ? version : `${version}, ${commit}`;
}
