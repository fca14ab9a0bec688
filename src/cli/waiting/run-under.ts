/** Running a command under locks, to its end and their release. */
import { forEachInReverse } from "../../lock/acquire-all.ts";
import type { Grant, LockEngine } from "../../lock/engine.ts";
import type { LockLostError } from "../../lock/errors.ts";
import type { HolderStatus } from "../../lock/status.ts";
import type { ChildStatus, PreparedCommand } from "../../posix/child.ts";
import { errorText, PosixError } from "../../posix/libc.ts";
import { type SignalName, signalNumbers } from "../../posix/process.ts";
import type { Job } from "../arguments/job.ts";
import { exitCodes } from "../exit-code.ts";
import { lossText, notFoundText } from "../status/run-text.ts";
import { diagnostics } from "../terminal/output.ts";
import type { WaitContext } from "./acquire.ts";
import { variablesOf } from "./around.ts";
import { RunningCommand } from "./child.ts";
import { Interrupted } from "./signals.ts";

/** What fails when a command cannot be started. */
const startingCalls: ReadonlySet<string> = new Set(["posix_spawnp", "execvpe"]);

/** A descriptor that a command is least likely to use itself: bash takes 10 and up, and 255. */
export const lowestDescriptor = 64;

/** The locks of a job: those that it took, and those that are held around it. */
export interface JobLocks {
  readonly grants: readonly Grant[];
  readonly joined: readonly HolderStatus[];
}

/**
 * Runs the command of a job. An error that comes while the command lives does not release the locks: its descriptors hold
 * them on.
 *
 * @returns the exit status of `run`
 */
export async function runUnder(
  { grants, joined }: JobLocks,
  job: Job,
  { engine, output, trap }: WaitContext,
  command: PreparedCommand,
): Promise<number> {
  let running: RunningCommand;
  try {
    const variables = variablesOf(grants, joined, job.kind);
    if (!job.close) for (const grant of grants) grant.childDescriptor(lowestDescriptor);
    running = new RunningCommand(trap, command, variables);
  } catch (error) {
    return await endUnstarted(grants, job, error);
  }
  const isWatched = isLossWatched(engine, job);
  const isStopped = isWatched ? stopWhenLost(engine, grants, job, running) : () => false;
  const status = await running.ended({ runsEventLoop: isWatched || engine.isLeased });
  const exitStatus = exitStatusOf(status);
  const wasAsked = isStopped();
  // Nothing is left to pass signals to; a server that does not answer is not to be waited for any more.
  const stop = new AbortController();
  trap.onSignal(() => stop.abort());
  const losses = await releaseInReverse(grants, exitStatus, stop.signal);
  // A keeper may have found the lease gone first, and have killed the command before this process knew.
  const isExpired = losses.some(({ loss }) => loss.reason === "expired");
  const wasStopped = wasAsked || (isExpired && isKilledBy(status, "SIGKILL"));
  // Who lets itself be replaced has not failed by that: its command's status tells.
  const isFailure = ({ loss }: LockLostError) =>
    loss.reason !== "replaced" && job.onLost !== "ignore";
  for (const lost of losses) {
    const text = lossText(lost.lockName, lost.loss, wasStopped ? exitStatus : undefined);
    if (!output.quiet || isFailure(lost)) diagnostics().warn(text);
  }
  // A shell that runs us in a loop leaves the loop only if it sees that ^C ended us.
  if (isKilledBy(status, "SIGINT") && trap.has("SIGINT")) throw new Interrupted("SIGINT");
  const isLost = losses.some(isFailure) && (exitStatus === exitCodes.done || wasStopped);
  return isLost ? exitCodes.lost : exitStatus;
}

/** Whether it is looked, while the command runs, if the locks are still held. */
function isLossWatched({ isLeased }: LockEngine, { onLost, replace }: Job): boolean {
  return replace === true || onLost === "kill" || (isLeased && onLost === "fail");
}

/**
 * Stops the command when it loses a lock, if it is to be stopped.
 *
 * @returns tells whether it was
 */
function stopWhenLost(
  engine: LockEngine,
  grants: readonly Grant[],
  { onLost, killAfterSeconds }: Job,
  command: RunningCommand,
): () => boolean {
  let isStopped = false;
  const isKilledInTime = engine.isLeased && onLost !== "ignore";
  // One that was asked to leave may lose its lease before it has left.
  const killBySeconds = () =>
    Math.min(...grants.map((grant) => grant.findLoss()?.loss.killBySeconds ?? Infinity));
  for (const grant of grants) {
    const lost = grant.watchLoss();
    const stop = () => {
      const error: LockLostError = lost.reason;
      // Whoever forces a lock away means it; only a lease that ends lets somebody else in unasked.
      if (error.loss.reason === "forced" && onLost !== "kill") return;
      if (error.loss.reason === "expired" && onLost === "ignore") return;
      isStopped = true;
      command.stop(killAfterSeconds, isKilledInTime ? killBySeconds : undefined);
    };
    if (lost.aborted) stop();
    else lost.addEventListener("abort", stop, { once: true });
  }
  return () => isStopped;
}

/**
 * Releases in the reverse order, all of them even when one cannot be.
 *
 * @returns how those were lost that were not this job's any more
 * @throws the first error
 */
async function releaseInReverse(
  grants: readonly Grant[],
  exitStatus: number | undefined,
  signal?: AbortSignal,
): Promise<LockLostError[]> {
  const losses: LockLostError[] = [];
  await forEachInReverse(grants, async (grant) => {
    const loss = await grant.release({ whereCalled: "run", exitStatus, signal });
    if (loss !== undefined) losses.push(loss);
  });
  return losses;
}

function isKilledBy(status: ChildStatus, name: SignalName): boolean {
  return "signal" in status && status.signal === signalNumbers[name];
}

function exitStatusOf(status: ChildStatus): number {
  return "exitCode" in status ? status.exitCode : exitCodes.killedBySignal + status.signal;
}

/**
 * Releases the locks of a command that could not be started, and says why it could not.
 *
 * @returns the exit status of `run`
 * @throws every other error, when the locks are released
 */
export async function endUnstarted(
  grants: readonly Grant[],
  job: Job,
  error: unknown,
): Promise<number> {
  if (!(error instanceof PosixError) || !startingCalls.has(error.call)) {
    await releaseInReverse(grants, undefined);
    throw error;
  }
  const isMissing = error.code === "ENOENT";
  const status = isMissing ? exitCodes.notFound : exitCodes.notExecutable;
  await releaseInReverse(grants, status);
  const { commandName } = job;
  const cannot = `Cannot run ${JSON.stringify(commandName)}`;
  if (isMissing) {
    const { interpreterFault, misreadHint } = await import("./not-found.ts");
    const fault = interpreterFault(commandName);
    const text = fault === undefined ? notFoundText(commandName, misreadHint(job)) : undefined;
    diagnostics().error(text ?? `${cannot}: ${fault}`);
  } else {
    diagnostics().error(`${cannot}: ${errorText(error.errno)}`);
  }
  return status;
}
