/** Which folder may import which: the floors of the house. CONTRIBUTING.md has them in words. */
import type { Import } from "./imports.ts";

interface Room {
  /** A file, or a folder with a slash at its end. */
  path: string;
  /** What its files may import: files, folders and packages. */
  mayImport: readonly string[];
}

/** What `cli` may use of `posix`: descriptors, processes, the clock and the terminal. Locks are the engines' affair. */
const posixForCli = [
  "alarm",
  "child",
  "clock",
  "event-loop",
  "fault-point",
  "file",
  "job",
  "libc",
  "open-descriptors",
  "proc",
  "process",
  "process-start",
  "signal-set",
  "terminal",
  "thread",
  "user",
].map((name) => `src/posix/${name}.ts`);

/** What every file of `cli` may import. */
const belowCli = ["src/lock/", "package.json", ...posixForCli];
const terminal = ["src/cli/terminal/"];
const words = ["src/cli/arguments/", "src/cli/exit-code.ts", ...terminal];
const status = ["src/cli/status/", ...words];
const middle = ["completion", "doctor", "pictures", "session", "waiting"].map(
  (name) => `src/cli/${name}/`,
);
/** What a command may import. Another command is not among it. */
const belowCommands = ["src/cli/engine.ts", "src/cli/jit.ts", ...middle, ...status, ...belowCli];

/** The first room whose path fits a file has its rules. */
const rooms: readonly Room[] = [
  { path: "src/main.ts", mayImport: ["src/cli/root.ts", "src/posix/process.ts"] },
  { path: "src/index.ts", mayImport: ["src/host/", "src/etcd/", "src/lock/", "src/posix/libc.ts"] },

  { path: "src/cli/root.ts", mayImport: ["src/cli/commands/", "citty", ...belowCommands] },
  // The one place that chooses where locks live.
  { path: "src/cli/engine.ts", mayImport: ["src/host/", "src/etcd/", ...words, ...belowCli] },
  // They are about the objects of this host.
  ...["doctor", "info", "remove"].map((name) => ({
    path: `src/cli/commands/${name}.ts`,
    mayImport: ["src/host/", "citty", ...belowCommands],
  })),
  { path: "src/cli/manual/", mayImport: ["src/cli/terminal/"] },
  { path: "src/cli/commands/", mayImport: ["src/cli/manual/", "citty", ...belowCommands] },
  {
    path: "src/cli/doctor/",
    mayImport: ["src/host/", "src/posix/", "src/cli/doctor/", ...status, ...belowCli],
  },
  {
    path: "src/cli/completion/",
    mayImport: ["src/cli/completion/", "citty", ...status, ...belowCli],
  },
  { path: "src/cli/pictures/", mayImport: ["src/cli/pictures/", ...status, ...belowCli] },
  {
    path: "src/cli/session/",
    mayImport: ["src/cli/session/", "citty", ...status, ...belowCli],
  },
  { path: "src/cli/waiting/", mayImport: ["src/cli/waiting/", ...status, ...belowCli] },
  { path: "src/cli/status/", mayImport: [...status, ...belowCli] },
  { path: "src/cli/arguments/", mayImport: ["citty", ...words, ...belowCli] },
  { path: "src/cli/exit-code.ts", mayImport: [...words, ...belowCli] },
  { path: "src/cli/terminal/", mayImport: ["consola/core", ...terminal, ...belowCli] },
  { path: "src/cli/jit.ts", mayImport: ["src/posix/thread.ts"] },
  { path: "src/cli/texts.d.ts", mayImport: [] },

  { path: "src/lock/", mayImport: ["src/lock/"] },
  { path: "src/host/", mayImport: ["src/host/", "src/lock/", "src/posix/"] },
  { path: "src/etcd/", mayImport: ["src/etcd/", "src/lock/", "src/posix/"] },
  { path: "src/posix/", mayImport: ["src/posix/", "bun:ffi"] },
];

const fits = (file: string, path: string) =>
  path.endsWith("/") ? file.startsWith(path) : file === path;

/** Tells the imports that cross a floor. */
export function crossingsIn(imports: readonly Import[]): Import[] {
  return imports.filter(({ from, to }) => {
    const room = rooms.find(({ path }) => fits(from, path));
    return room?.mayImport.some((path) => fits(to, path)) !== true;
  });
}

/** Tells the files that no room has, so that a new folder has to be given its floor. */
export function filesOutside(files: readonly string[]): string[] {
  return files.filter((file) => !rooms.some(({ path }) => fits(file, path)));
}
