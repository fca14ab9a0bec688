/** `remove`: deletes the objects of a lock that nobody uses. */
import { defineCommand } from "citty";
import { isInUse } from "../../host/inventory/leftover.ts";
import { staleOnHost } from "../../host/inventory/list.ts";
import { userLabel } from "../../posix/user.ts";
import { parseLockName } from "../../lock/name.ts";
import { type Removal, removeLock } from "../../host/inventory/removal.ts";
import type { LockStatus, LockState } from "../../lock/status.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import { openEngine } from "../engine.ts";
import { stateOf } from "../status/existing.ts";
import { compileHotCode } from "../jit.ts";
import { warnOfLivingHolders } from "../status/living-holders.ts";
import { diagnostics, type OutputOptions, printResult } from "../terminal/output.ts";
import { Interrupted, SignalTrap } from "../waiting/signals.ts";
import { commandText, holdersText } from "../status/status-text.ts";
import { counted } from "../terminal/text.ts";
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
    ],
    conflicts: [["force", "stale"], quietOrVerbose],
    notes: [
      "With --stale and no NAME, all that participants that died have left is removed; with a NAME, that lock only if it is among them.",
    ],
  },
  args: {
    name: { ...nameArgument, required: false },
    force: options.force,
    stale: options.stale,
    ...commonOptions,
  },
  async run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const names = [...new Set(args._.map(parseLockName))];
    if (args.stale) return removeStale(names, output);
    if (names.length === 0) throw new UsageError("NAME is missing; or give --stale");
    const statuses: number[] = [];
    for (const name of names) {
      statuses.push(await report(name, removeLock(name, { force: args.force ?? false }), output));
    }
    return worstOf(statuses);
  },
});

function worstOf(statuses: readonly number[]): number {
  return statuses.find((status) => status !== exitCodes.done) ?? exitCodes.done;
}

async function report(
  name: string,
  { outcome, status, left = [] }: Removal,
  output: OutputOptions,
): Promise<number> {
  if (outcome === "removed" && !output.quiet) {
    warnOfLivingHolders(name, status.holders);
    for (const file of left) warnOfLeft(file);
  }
  const texts = {
    removed: `${name}: removed`,
    "in use": `${name}: not removed; ${usersText(name, status)}`,
    missing: `${name}: no such lock on this host`,
  };
  await using engine = await openEngine({ output });
  const { json } = stateOf(name, output.json ? await engine.inspect(name) : undefined);
  printResult(output, texts[outcome], { ...json, removed: outcome === "removed" });
  return outcome === "removed" ? exitCodes.done : exitCodes.no;
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
  const advice = stale && count === 0 ? `; ${commandText("remove --stale", name)} does` : "";
  return [...held, ...waiting].join(", and ") + advice;
}

async function removeStale(names: readonly string[], output: OutputOptions): Promise<number> {
  // One that somebody waits for is adopted, just now or soon.
  const look = () =>
    staleOnHost().filter((lock) =>
      names.length === 0 ? !isInUse(lock) : names.includes(lock.name),
    );
  let found = look();
  if (found.some(isUnexplained)) {
    if (output.verbose) {
      diagnostics().debug(
        "a lock is locked and nobody is known to hold it: looking again in a second",
      );
    }
    const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
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
  for (const lock of found) statuses.push(await removeOne(lock, output));
  return worstOf(statuses);
}

/** Whether the lock is locked and nobody ever said so: its holder died between two steps, or is between them. */
function isUnexplained({ holders }: LockState): boolean {
  return holders.some(({ attachment, pid }) => attachment === "stale" && pid === null);
}

/** One that cannot be removed does not keep the others from it. */
async function removeOne({ name, info }: LockState, output: OutputOptions): Promise<number> {
  try {
    return await report(name, removeLock(name, { staleWithInfo: info ?? undefined }), output);
  } catch (error) {
    const status = exitCodeOf(error);
    if (!(error instanceof Error) || status === exitCodes.internal) throw error;
    diagnostics().error(error.message);
    return status;
  }
}
