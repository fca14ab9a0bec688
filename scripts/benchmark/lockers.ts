/** The lockers: see lockers/serve.ts. */
import { npmLockers } from "./npm-peers.ts";
import { type Locker, names } from "./peers.ts";
import { outputOf } from "./processes.ts";
import type { Programs } from "./programs.ts";
import { tool } from "./tool.ts";

const directoryOfLockers = `${import.meta.dir}/lockers`;

export interface Lockers {
  /** This project's, by getLock and by acquire. */
  library: Locker[];
  semaphore: Locker;
  python: Locker;
  npm: Locker[];
}

export function findLockers(directory: string, programs: Programs): Lockers {
  return {
    library: libraryLockers(),
    semaphore: semaphoreLocker(programs.semaphore),
    python: pythonLocker(),
    npm: npmLockers(directory),
  };
}

function libraryLockers(): Locker[] {
  return (["getLock", "acquire"] as const).map((method) => ({
    name: names[method],
    version: `this; Bun ${Bun.version}`,
    environment: {},
    words: (lockName) => [process.execPath, `${directoryOfLockers}/library.ts`, method, lockName],
  }));
}

function semaphoreLocker(program: string | undefined): Locker {
  return {
    name: names.semaphore,
    version: "lockers/semaphore.c",
    missing: program === undefined ? "a C compiler (package gcc)" : undefined,
    environment: {},
    words: (lockName) => [program ?? "", lockName],
  };
}

function pythonLocker(): Locker {
  // Past a version manager, whose shim costs more than Python's own start.
  const python3 = outputOf(["python3", "-c", "import sys; print(sys.executable)"]) ?? "python3";
  return {
    name: names.python,
    ...tool("python3", "python3", ["python3", "--version"]),
    environment: {},
    words: (lockName) => [python3, "-I", "-S", `${directoryOfLockers}/python.py`, lockName],
  };
}
