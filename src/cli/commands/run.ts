/** `run`: runs a command while the lock is held. */
import { defineCommand } from "citty";
import type { HolderStatus } from "../../lock/status.ts";
import { inheritedDescriptors, PreparedCommand } from "../../posix/child.ts";
import { EventLoopWatch } from "../../posix/event-loop.ts";
import { openDescriptors } from "../../posix/open-descriptors.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { type Job, jobOf } from "../arguments/job.ts";
import {
  commonOptions,
  flockWaitWords,
  nameListArgument,
  nonblockConflicts,
  options,
  quietOrVerbose,
} from "../arguments/options.ts";
import { parseAccess } from "../arguments/values.ts";
import { openEngine } from "../engine.ts";
import {
  claimsOf,
  HeldAround,
  heldAroundText,
  lookLimitsOf,
  requireNoneAround,
} from "../status/hold-around.ts";
import { diagnostics, endWritesBy } from "../terminal/output.ts";
import { acquireLocks, type WaitContext } from "../waiting/acquire.ts";
import { covers } from "../waiting/around.ts";
import { execUnder } from "../waiting/exec-under.ts";
import { type JobLocks, runUnder } from "../waiting/run-under.ts";
import { SignalTrap, terminationSignals } from "../waiting/signals.ts";

const { json: _, ...runOptions } = commonOptions;

export default defineCommand({
  meta: {
    name: "run",
    group: "Hold a lock",
    description: "Run a command while holding a lock",
    byDefault: "it waits for the lock forever, or for the time of -t",
    examples: [
      ["run backup rsync -a ~/ /mnt/copy", 'wait for the lock "backup", then run rsync'],
      ["run -n sync ./sync.sh", "skip it if it still runs"],
      ["run -t 5m -E 0 -q sync ./sync.sh", "wait for 5 minutes, then give up quietly"],
      ["run disk -c 'sort a > b'", "run a shell command line"],
      ["run --slots 2 gpu ./render film", "at most two at a time"],
      ["run --replace deploy ./deploy.sh", "only the newest counts: end an older one"],
    ],
    operands: "[--] COMMAND [ARG...]",
    conflicts: [
      ["exclusive", "shared", "slots"],
      ...nonblockConflicts,
      ["nonblock", "replace"],
      ["no-fork", "close"],
      ["no-fork", "on-lost"],
      ["no-fork", "replace"],
      ["no-fork", "kill-after"],
      quietOrVerbose,
    ],
    notes: [
      "NAME can be several names separated by commas: all of the locks are taken, or none, always in the same order.",
      "The exit status is the command's. Its environment has RESOURCELOCK_NAME, RESOURCELOCK_TOKEN (a number that rises with each grant) and, with --slots, RESOURCELOCK_SLOT (from 0).",
      `${flockWaitWords}; -x, -e and --exclusive are the default.`,
    ],
  },
  args: {
    name: nameListArgument,
    "get-timeout": { ...options["get-timeout"], default: "-1" },
    nonblock: options.nonblock,
    "max-waiters": options["max-waiters"],
    newest: options.newest,
    replace: options.replace,
    "kill-after": options["kill-after"],
    "conflict-exit-code": options["conflict-exit-code"],
    message: {
      ...options.message,
      description: `${options.message.description} (default: the command)`,
    },
    command: options.command,
    exclusive: options.exclusive,
    shared: options.shared,
    slots: options.slots,
    "no-adopt": options["no-adopt"],
    reentrant: options.reentrant,
    close: options.close,
    "no-fork": options["no-fork"],
    "on-lost": options["on-lost"],
    mode: options.mode,
    group: options.group,
    server: options.server,
    ttl: options.ttl,
    ...runOptions,
  },
  async run({ args, data }) {
    // Before anything is opened.
    const open = openDescriptors();
    const inherited = inheritedDescriptors(open);
    const output = outputOptions(args, data);
    const job = jobOf(args, data);
    const access = parseAccess(args.mode, args.group);
    const trap = new SignalTrap(terminationSignals, new EventLoopWatch(open));
    endWritesBy(trap.signal);
    await using engine = await openEngine({
      output,
      access,
      server: args.server,
      ttl: args.ttl,
      adopt: job.adopt,
      execs: job.noFork,
      stops: job.onLost !== "ignore",
    });
    const command = new PreparedCommand(job.rawWords, inherited);
    const onFirstWait = () => {
      command.prepare();
      if (!job.close) engine.prepareDescriptors?.();
    };
    const context = { engine, output, trap, onFirstWait };
    const locks = await takeLocks(job, context);
    if (locks === undefined) return job.notGranted;
    const runJob = job.noFork ? execUnder : runUnder;
    return await runJob(locks, job, context, command);
  },
});

/** @returns undefined when the job may not run, which was said */
async function takeLocks(job: Job, context: WaitContext): Promise<JobLocks | undefined> {
  const joined: HolderStatus[] = [];
  const wanted = new Set(job.names);
  /** @returns whether the job can go on under a hold around it */
  const join = (name: string, around: HolderStatus): boolean => {
    wanted.delete(name);
    joined.push(around);
    const isEnough = covers(around, job.kind);
    if (isEnough && job.reentrant) return true;
    diagnostics().error(heldAroundText(name, around, { command: "run", isEnough }));
    return false;
  };
  // All of them before the first is waited for: somebody may hold that and wait for one that is held around this run.
  for (const name of job.names) {
    const claims = claimsOf(name);
    // Who holds a single lock is looked at when the wait begins.
    if (claims.length === 0 && job.names.length === 1) continue;
    const limits = lookLimitsOf({ ...job, signal: context.trap.signal });
    const around = await context.engine.holdAround(name, claims, limits);
    if (around !== undefined && !join(name, around)) return undefined;
  }
  for (;;) {
    try {
      const grants = await acquireWanted([...wanted], job, context);
      return grants && { grants, joined };
    } catch (error) {
      if (!(error instanceof HeldAround)) throw error;
      if (!join(error.lockName, error.holder)) return undefined;
    }
  }
}

/** @returns undefined when they are refused, which was said */
async function acquireWanted(
  names: readonly string[],
  job: Job,
  context: WaitContext,
): Promise<JobLocks["grants"] | undefined> {
  const { kind, message, timeoutSeconds, adopt, newest, replace, maxWaiters } = job;
  const request = {
    kind,
    message,
    cutMessage: job.isDefaultMessage,
    timeoutSeconds,
    adopt,
    newest,
    replace,
    maxWaiters,
    endsByRelease: job.noFork,
  };
  const answer = await acquireLocks(context, names, request);
  if (Array.isArray(answer)) return answer;
  const { engine, output, trap } = context;
  // One that does not wait was refused before it could find out that the hold is around it.
  const hasWaited = timeoutSeconds > 0 && answer.reason === "timeout";
  if (job.reentrant && !hasWaited) {
    await requireNoneAround(engine, [answer.name], { timeoutSeconds, signal: trap.signal });
  }
  if (output.quiet) return undefined;
  // Loaded only when it is said: a job that runs at once starts without it.
  const { textsFor } = await import("../status/result-text.ts");
  diagnostics().info(textsFor(output).refused(answer.name, answer));
  return undefined;
}
