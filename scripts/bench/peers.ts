/** Who is compared: the programs that run a command while they hold a lock, and the lockers. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { EtcdServer } from "./etcd.ts";
import { outputOf } from "./processes.ts";
import type { Programs } from "./programs.ts";

const root = `${import.meta.dir}/../..`;
const lockers = `${import.meta.dir}/lockers`;
const npmDirectory = `${root}/dist/bench-peers`;

/** One that is compared. Where it is missing here, `missing` says what it needs. */
export interface Peer {
  name: string;
  version: string;
  missing?: string | undefined;
  environment: Record<string, string>;
}

/** A program that runs a command while it holds the lock of a name. */
export interface Runner extends Peer {
  words(lockName: string, command: readonly string[]): string[];
}

/** A process of its own that has a lock: see lockers/serve.ts. */
export interface Locker extends Peer {
  words(lockName: string): string[];
}

/** The names by which the works refer to some of them. */
export const names = {
  run: "resourcelock run",
  flock: "flock",
  sem: "sem",
  etcdctl: "etcdctl lock",
  semaphore: "C, sem_timedwait",
  getLock: "resourcelock, getLock",
  acquire: "resourcelock, acquire",
  python: "Python peer",
} as const;

export interface Surroundings {
  /** A directory for what the peers need. */
  directory: string;
  programs: Programs;
  etcd: EtcdServer | undefined;
}

export interface Peers {
  runners: Runner[];
  lockers: Locker[];
}

export function findPeers({ directory, programs, etcd }: Surroundings): Peers {
  const file = (lockName: string) => `${directory}/${lockName}`;
  // GNU parallel asks to be cited until it finds this file; its semaphores are files in here, too.
  mkdirSync(`${directory}/parallel`);
  writeFileSync(`${directory}/parallel/will-cite`, "");

  const runner = (
    name: string,
    version: string,
    missing: string | undefined,
    words: Runner["words"],
    environment: Record<string, string> = {},
  ): Runner => ({ name, version, missing, words, environment });

  const npm = npmLockers(directory);
  const python = pythonLocker();
  const library = libraryLockers();
  const semaphore = semaphoreLocker(programs.semaphore);
  return {
    runners: [
      runner(names.run, "this", undefined, (name, command) => [
        programs.resourcelock,
        "run",
        name,
        "--",
        ...command,
      ]),
      asRunner(semaphore),
      runner(
        names.flock,
        ...tool("flock", "util-linux", ["flock", "--version"]),
        (name, command) => ["flock", file(name), ...command],
      ),
      runner("setlock", ...tool("setlock", "daemontools"), (name, command) => [
        "setlock",
        file(name),
        ...command,
      ]),
      runner("lockfile", ...tool("lockfile", "procmail", ["lockfile", "-v"]), (name, command) => [
        "sh",
        "-c",
        'lockfile -1 "$0" && { "$@"; rm -f "$0"; }',
        file(`${name}.lock`),
        ...command,
      ]),
      runner("dotlockfile", ...tool("dotlockfile", "liblockfile-bin"), (name, command) => [
        "dotlockfile",
        "-r",
        "1000",
        "-i",
        "1",
        "-p",
        "-l",
        file(`${name}.dotlock`),
        ...command,
      ]),
      runner(
        names.sem,
        ...tool("sem", "parallel", ["sem", "--version"]),
        (name, command) => ["sem", "--fg", "--ungroup", "--id", name, ...command],
        { PARALLEL_HOME: `${directory}/parallel` },
      ),
      runner(
        names.etcdctl,
        versionOf(["etcdctl", "version"], "etcd-client"),
        etcd === undefined ? "packages etcd-server, etcd-client" : undefined,
        (name, command) => ["etcdctl", "lock", name, ...command],
        etcd?.environment,
      ),
      ...[...npm, python, ...library.slice(0, 1)].map(asRunner),
    ],
    lockers: [...library, semaphore, python, ...npm],
  };
}

/** A locker that is given a command runs that while it holds the lock. */
function asRunner(locker: Locker): Runner {
  return { ...locker, words: (name, command) => [...locker.words(name), ...command] };
}

/** The version of a tool, and what is needed where it is not here. */
function tool(
  name: string,
  debianPackage: string,
  version: string[] = [],
): [version: string, missing: string | undefined] {
  const missing = Bun.which(name) === null ? `package ${debianPackage}` : undefined;
  return [missing === undefined ? versionOf(version, debianPackage) : "-", missing];
}

/** What it says itself, else what the Debian package says. */
function versionOf(words: readonly string[], debianPackage: string): string {
  const said = words.length > 0 ? outputOf(words) : undefined;
  const number = /\d+(?:\.\d+)+\w*|\d{8}/.exec(said ?? "")?.[0];
  if (number !== undefined) return number;
  return outputOf(["dpkg-query", "-W", "-f", "${Version}", debianPackage]) ?? "unknown";
}

function libraryLockers(): Locker[] {
  return (["getLock", "acquire"] as const).map((method) => ({
    name: names[method],
    version: `this; Bun ${Bun.version}`,
    environment: {},
    words: (lockName) => [process.execPath, `${lockers}/library.ts`, method, lockName],
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
  const [version, missing] = tool("python3", "python3", ["python3", "--version"]);
  // Past a version manager, whose shim costs more than Python's own start.
  const python3 = outputOf(["python3", "-c", "import sys; print(sys.executable)"]) ?? "python3";
  return {
    name: names.python,
    version,
    missing,
    environment: {},
    words: (lockName) => [python3, "-I", "-S", `${lockers}/python.py`, lockName],
  };
}

const npmPackages = ["proper-lockfile", "fs-ext", "fs-native-extensions"] as const;

/** Each package under Node, as its users run it, and under Bun where it works there. */
function npmLockers(directory: string): Locker[] {
  const trouble = installNpmPackages();
  const bundle = bundleForNode();
  return npmPackages.flatMap((name) =>
    (["node", "bun"] as const).map((runtime): Locker => {
      const executable = runtime === "bun" ? process.execPath : (Bun.which("node") ?? "node");
      const words = (lockName: string) => {
        const file = `${directory}/${lockName}`;
        if (!existsSync(file)) writeFileSync(file, "");
        return [executable, bundle, name, file];
      };
      return {
        name: `${name}, ${runtime}`,
        version: npmVersion(name),
        missing:
          trouble ?? (loads(executable, name) ? undefined : `${name} does not load in ${runtime}`),
        environment: {},
        words,
      };
    }),
  );
}

function installNpmPackages(): string | undefined {
  if (Bun.which("npm") === null) return "npm";
  if (Bun.which("node") === null) return "node";
  const stamp = `${npmDirectory}/installed`;
  const lock = `${import.meta.dir}/npm/package-lock.json`;
  const script = `
    cmp -s "$1" "$2" && exit
    mkdir -p "$3" && cp "\${1%/*}"/*.json "$3" && cd "$3" &&
    npm ci --no-audit --no-fund --loglevel=error >&2 && cp "$1" "$2"`;
  const { success, stderr } = Bun.spawnSync(["sh", "-c", script, "sh", lock, stamp, npmDirectory], {
    // The headers of Debian's node, for the one that is compiled; else they would be downloaded.
    env: {
      ...process.env,
      ...(existsSync("/usr/include/node") ? { npm_config_nodedir: "/usr" } : {}),
    },
    stdin: "ignore",
    timeout: 120_000,
  });
  if (success) return undefined;
  console.error(stderr.toString());
  return "npm ci in dist/bench-peers failed";
}

/** A bundle beside node_modules, as Node 20 and older do not run TypeScript. */
function bundleForNode(): string {
  const words = ["build", "--target=node", "--splitting", `--outdir=${npmDirectory}`];
  const { success, stderr } = Bun.spawnSync([process.execPath, ...words, `${lockers}/npm.ts`]);
  if (!success) throw new Error(`bun build failed: ${stderr.toString()}`);
  return `${npmDirectory}/npm.js`;
}

function loads(runtime: string, name: string): boolean {
  const words = [runtime, "-e", `require(${JSON.stringify(name)})`];
  const options = { cwd: npmDirectory, stdin: "ignore", timeout: 20_000 } as const;
  return Bun.spawnSync(words, options).success;
}

function npmVersion(name: string): string {
  const path = `${npmDirectory}/node_modules/${name}/package.json`;
  if (!existsSync(path)) return "-";
  const { version }: { version: string } = JSON.parse(readFileSync(path, "utf8"));
  return version;
}
