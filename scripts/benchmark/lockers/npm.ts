/** A package of npm as a locker: npm.ts PACKAGE FILE [COMMAND...]; FILE exists. It is bundled for Node. */
import { openSync } from "node:fs";
import { createRequire } from "node:module";
import { runCommand } from "./run-command.ts";
import { serve, type Lock } from "./serve.ts";

interface FsExt {
  flockSync: (descriptor: number, flags: "ex" | "un") => void;
}
interface FsNativeExtensions {
  waitForLockSync: (descriptor: number) => void;
  unlock: (descriptor: number) => void;
}
interface ProperLockfile {
  lock: (file: string, options: object) => Promise<() => Promise<void>>;
}

const [name = "", file = "", ...command] = process.argv.slice(2);
// As a name that the bundler and the type checker do not follow.
const load = createRequire(import.meta.url);

/** flock(2), blocking. */
function fsExt(): Lock {
  const { flockSync }: FsExt = load(name);
  const descriptor = openSync(file, "r+");
  return { get: () => flockSync(descriptor, "ex"), unget: () => flockSync(descriptor, "un") };
}

/** fcntl(2) locks of the open file description, blocking. */
function fsNativeExtensions(): Lock {
  const { waitForLockSync, unlock }: FsNativeExtensions = load(name);
  const descriptor = openSync(file, "r+");
  return { get: () => waitForLockSync(descriptor), unget: () => unlock(descriptor) };
}

/** A directory beside the file; it looks again every 5 to 50 ms, where its own default is 1 s and more. */
function properLockfile(): Lock {
  const { lock }: ProperLockfile = load(name);
  const retries = { retries: 20_000, minTimeout: 5, maxTimeout: 50 };
  let release: (() => Promise<void>) | undefined;
  return {
    async get() {
      release = await lock(file, { retries });
    },
    async unget() {
      await release?.();
    },
  };
}

const makers: Record<string, () => Lock> = {
  "fs-ext": fsExt,
  "fs-native-extensions": fsNativeExtensions,
  "proper-lockfile": properLockfile,
};
const make = makers[name];
if (make === undefined) throw new Error(`Cannot lock with ${name}`);
const lock = make();
await (command.length > 0 ? runCommand(lock, command) : serve(lock));
