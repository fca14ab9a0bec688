/** The programs that run a command while they hold a lock. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { EtcdServer } from "./etcd.ts";
import { findLockers } from "./lockers.ts";
import { type Locker, names, type Peers, type Runner } from "./peers.ts";
import type { Programs } from "./programs.ts";
import { tool, versionOf } from "./tool.ts";

export interface Surroundings {
  /** A directory for what the peers need. */
  directory: string;
  programs: Programs;
  etcd: EtcdServer | undefined;
}

/** Finds out who is here. */
export function findPeers({ directory, programs, etcd }: Surroundings): Peers {
  const { library, semaphore, python, npm } = findLockers(directory, programs);
  return {
    runners: [
      ownRunner(programs.resourcelock),
      asRunner(semaphore),
      ...fileRunners((lockName) => `${directory}/${lockName}`),
      semRunner(directory),
      etcdRunner(etcd),
    ],
    scripts: [...npm, python, ...library.slice(0, 1)].map(asRunner),
    lockers: [...library, semaphore, python, ...npm],
  };
}

/** A locker that is given a command runs that while it holds the lock. */
function asRunner(locker: Locker): Runner {
  return { ...locker, words: (name, command) => [...locker.words(name), ...command] };
}

function ownRunner(program: string): Runner {
  return {
    name: names.run,
    version: "this",
    environment: {},
    words: (lockName, command) => [program, "run", lockName, "--", ...command],
  };
}

/** Those whose lock is a file. */
function fileRunners(file: (lockName: string) => string): Runner[] {
  // lockfile makes the lock and ends.
  const lockfile = ["sh", "-c", 'lockfile -1 "$0" && { "$@"; rm -f "$0"; }'];
  const dotlockfile = ["dotlockfile", "-r", "1000", "-i", "1", "-p", "-l"];
  return [
    {
      name: names.flock,
      ...tool("flock", "util-linux", ["flock", "--version"]),
      environment: {},
      words: (lockName, command) => ["flock", file(lockName), ...command],
    },
    {
      name: "setlock",
      ...tool("setlock", "daemontools"),
      environment: {},
      words: (lockName, command) => ["setlock", file(lockName), ...command],
    },
    {
      name: "lockfile",
      ...tool("lockfile", "procmail", ["lockfile", "-v"]),
      environment: {},
      words: (lockName, command) => [...lockfile, file(`${lockName}.lock`), ...command],
    },
    {
      name: "dotlockfile",
      ...tool("dotlockfile", "liblockfile-bin"),
      environment: {},
      words: (lockName, command) => [...dotlockfile, file(`${lockName}.lock`), ...command],
    },
  ];
}

/** GNU parallel asks to be cited until it finds a file; its semaphores are files beside that. */
function semRunner(directory: string): Runner {
  const home = `${directory}/parallel`;
  mkdirSync(home);
  writeFileSync(`${home}/will-cite`, "");
  return {
    name: names.sem,
    ...tool("sem", "parallel", ["sem", "--version"]),
    environment: { PARALLEL_HOME: home },
    words: (lockName, command) => ["sem", "--fg", "--ungroup", "--id", lockName, ...command],
  };
}

function etcdRunner(etcd: EtcdServer | undefined): Runner {
  return {
    name: names.etcdctl,
    version: versionOf(["etcdctl", "version"], "etcd-client"),
    missing: etcd === undefined ? "packages etcd-server, etcd-client" : undefined,
    environment: etcd?.environment ?? {},
    words: (lockName, command) => ["etcdctl", "lock", lockName, ...command],
  };
}
