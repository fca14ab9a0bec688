/** `remove`: deletes the objects of a lock that nobody uses. */
import { defineCommand } from "citty";
import { isInUse } from "../../host/inventory/leftover.ts";
import { HostEngine } from "../../host/engine.ts";
import { unusedSeconds } from "../../host/inventory/last-use.ts";
import { locksOnHost, staleOnHost } from "../../host/inventory/list.ts";
import { userLabel } from "../../posix/user.ts";
import { parseLockName } from "../../lock/name.ts";
import { type Removal, type RemovalOptions, removeLock } from "../../host/inventory/removal.ts";
import { type LockState, type LockStatus, pidText } from "../../lock/status.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import { withEachLock } from "../status/each-lock.ts";
import { stateOf } from "../status/existing.ts";
import { compileHotCode } from "../jit.ts";
import { warnOfLivingHolders } from "../status/living-holders.ts";
import { diagnostics, type OutputOptions, printResult } from "../terminal/output.ts";
import { Interrupted, SignalTrap, terminationSignals } from "../waiting/signals.ts";
import { commandText, holdersText } from "../status/status-text.ts";
import { compareNaturally, counted } from "../terminal/text.ts";
import { serversOf } from "../engine.ts";
import { parseAge } from "../arguments/values.ts";
import { UsageError } from "../arguments/words.ts";

/** A unit that is missing for no longer than this may be a peer's that is just taking it. */
const peerTakeSeconds = 1;

export default defineCommand({
  meta: {
    name: "remove",
    group: "Tidy up",
    description: "Delete a lock that nobody holds or waits for",
    repeats: true,
    examples: [
      ["remove old-job", "delete it if nobody uses it"],
      ["remove --stale", "delete what dead processes left"],
      ["remove --unused 7d --dry-run", "only say what it would delete"],
    ],
    conflicts: [["force", "stale", "unused"], quietOrVerbose],
    notes: [
      "With --stale or --unused and no NAME, all such locks are deleted; with a NAME, only that lock, if it is one of them.",
    ],
  },
  args: {
    name: { ...nameArgument, required: false },
    force: options.force,
    stale: options.stale,
    unused: options.unused,
    "dry-run": options["dry-run"],
    ...commonOptions,
  },
  async run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const names = [...new Set(args._.map(parseLockName))];
    const dryRun = args["dry-run"] ?? false;
    const task = { names, output, dryRun };
    if (serversOf(undefined) !== "" && !output.quiet) diagnostics().warn(onlyHere);
    if (args.stale) return await removeStale(task);
    if (args.unused !== undefined) {
      return await removeUnused(task, parseAge("--unused", args.unused));
    }
    if (names.length === 0) throw new UsageError("NAME is missing; or give --stale or --unused");
    const how = { force: args.force ?? false, dryRun };
    return await withEachLock(names, (name) => report(name, removeLock(name, how), task));
  },
});

const onlyHere = "RESOURCELOCK_SERVER is ignored: remove is only about the locks of this host";

/** What one call is to do. */
interface Task {
  readonly names: readonly string[];
  readonly output: OutputOptions;
  /** Whether only to say what would be removed. */
  readonly dryRun: boolean;
}

function worstOf(statuses: readonly number[]): number {
  return statuses.find((status) => status !== exitCodes.done) ?? exitCodes.done;
}

async function report(
  name: string,
  { outcome, status, left = [] }: Removal,
  { output, dryRun }: Task,
): Promise<number> {
  const isDone = outcome === "removed";
  if (isDone && !dryRun && !output.quiet) {
    warnOfLivingHolders(name, status.holders);
    for (const file of left) warnOfLeft(file);
  }
  const texts = {
    removed: dryRun ? `${name}: would be removed` : `${name}: removed`,
    "in use": `${name}: not removed; ${usersText(name, status)}`,
    "used lately": `${name}: not removed; it was used too recently`,
    missing: `${name}: there is no such lock on this host`,
  };
  // Of this host, whatever RESOURCELOCK_SERVER says: only its locks are removed.
  const { json } = stateOf(name, output.json ? await new HostEngine().inspect(name) : undefined);
  const told = dryRun ? { removable: isDone } : { removed: isDone };
  printResult(output, texts[outcome], { ...json, ...told });
  return isDone ? exitCodes.done : exitCodes.no;
}

function warnOfLeft({ path, status }: NonNullable<Removal["left"]>[number]): void {
  const reason = status.isRegularFile
    ? `it belongs to ${userLabel(status.userId)}`
    : "it is not a file";
  diagnostics().warn(`did not delete ${path}: ${reason}`);
}

/** As in `held by pid 4242 (make) for 3s, and 2 wait`. */
function usersText(name: string, { holders, waiters }: LockStatus): string {
  const held = holders.length === 0 ? [] : [holdersText(holders)];
  const count = waiters.length;
  const waiting = count === 0 ? [] : [counted(count, "waits", "wait")];
  const stale = holders.some(({ attachment }) => attachment === "stale");
  const advice =
    stale && count === 0 ? `; to remove it: ${commandText("remove --stale", name)}` : "";
  return [...held, ...waiting].join(", and ") + advice;
}

async function removeStale(task: Task): Promise<number> {
  const { names, output, dryRun } = task;
  // One that somebody waits for is adopted, just now or soon.
  const look = () =>
    staleOnHost().filter((lock) =>
      names.length === 0 ? !isInUse(lock) : names.includes(lock.name),
    );
  let found = look();
  if (found.some(isUnexplained)) {
    if (output.verbose) {
      diagnostics().debug(
        "a lock is held, but nobody is known to hold it: looking again in a second",
      );
    }
    const trap = new SignalTrap(terminationSignals);
    await trap.sleep(peerTakeSeconds);
    if (trap.received !== undefined) throw new Interrupted(trap.received);
    const before = new Map(found.map((lock) => [lock.name, lock]));
    found = look().filter(
      (lock) => !isUnexplained(lock) || before.get(lock.name)?.info === lock.info,
    );
  }
  const notStale = names.filter((name) => !found.some((lock) => lock.name === name));
  if (!output.quiet) {
    for (const name of notStale) diagnostics().info(`lock "${name}" is not stale`);
    if (names.length === 0 && found.length === 0) diagnostics().info("no stale locks");
  }
  const statuses = notStale.map((): number => exitCodes.no);
  for (const { name, info } of found) {
    statuses.push(await removeOne(name, { staleWithInfo: info ?? undefined, dryRun }, task));
  }
  return worstOf(statuses);
}

/** Removes locks that are free and that nobody has used for some time. */
async function removeUnused(task: Task, seconds: number): Promise<number> {
  const { names, output, dryRun } = task;
  const found = names.length > 0 ? names : unusedLocks(seconds);
  if (found.length === 0 && !output.quiet) diagnostics().info("no unused locks");
  const statuses: number[] = [];
  for (const name of found) {
    statuses.push(await removeOne(name, { unusedSeconds: seconds, dryRun }, task));
  }
  return worstOf(statuses);
}

/** Whether the lock is locked and nobody ever said so: its holder died between two steps, or is between them. */
function isUnexplained({ holders }: LockState): boolean {
  return holders.some((holder) => holder.attachment === "stale" && pidText(holder) === undefined);
}

/** This user's locks that are free and unused for so long; root's call looks at all users'. */
function unusedLocks(seconds: number): string[] {
  const userId = process.geteuid?.();
  const nowSeconds = Date.now() / 1000;
  return locksOnHost()
    .filter(({ state, exists }) => state === "free" && exists)
    .filter((lock) => userId === 0 || lock.userId === userId)
    .filter(({ name, info }) => unusedSeconds(name, info, nowSeconds) >= seconds)
    .map(({ name }) => name)
    .toSorted(compareNaturally);
}

/** One that cannot be removed does not keep the others from it. */
async function removeOne(name: string, how: RemovalOptions, task: Task): Promise<number> {
  try {
    return await report(name, removeLock(name, how), task);
  } catch (error) {
    const status = exitCodeOf(error);
    if (!(error instanceof Error) || status === exitCodes.internal) throw error;
    diagnostics().error(error.message);
    return status;
  }
}
