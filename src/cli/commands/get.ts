/** `get`: takes a lock that stays when the command ends, or with `-a` for a time. */
import { defineCommand } from "citty";
import type { Grant } from "../../lock/engine.ts";
import { LockLostError } from "../../lock/errors.ts";
import type { HolderStatus, LockState, ProcessLabel } from "../../lock/status.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { hasEnded } from "../../posix/process-start.ts";
import { outputOptions } from "../arguments/arguments.ts";
import {
  commonOptions,
  flockWaitWords,
  nameArgument,
  nonblockConflicts,
  options,
  quietOrVerbose,
} from "../arguments/options.ts";
import {
  parseAccess,
  parseDuration,
  parseRefusalStatus,
  type LivingProcess,
  parseProcess,
  parseQueueing,
  parseTimeout,
} from "../arguments/values.ts";
import { openEngine, parseTtl } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { textsFor } from "../status/result-text.ts";
import {
  diagnostics,
  endWritesBy,
  OutputError,
  printResult,
  untilWritable,
} from "../terminal/output.ts";
import { acquireLock, type WaitContext } from "../waiting/acquire.ts";
import { Interrupted, SignalTrap, terminationSignals, turn } from "../waiting/signals.ts";

export default defineCommand({
  meta: {
    name: "get",
    group: "Hold a lock",
    description: "Take a lock and leave it taken, until unget",
    byDefault: "it waits for 0.5 s, or for the time of -t",
    examples: [
      ["get deploy -t 1m", "wait for up to a minute"],
      ["get deploy --owner-pid $$ || exit", "in a script: free it when the script ends"],
      ["unget deploy", "release it"],
    ],
    conflicts: [["auto-unget", "owner-pid"], ...nonblockConflicts, quietOrVerbose],
    notes: [`${flockWaitWords}.`],
  },
  args: {
    name: nameArgument,
    "get-timeout": { ...options["get-timeout"], default: "0.5" },
    nonblock: options.nonblock,
    "max-waiters": options["max-waiters"],
    newest: options.newest,
    message: { ...options.message, default: "cli" },
    "auto-unget": options["auto-unget"],
    "owner-pid": options["owner-pid"],
    "no-adopt": options["no-adopt"],
    mode: options.mode,
    group: options.group,
    "conflict-exit-code": options["conflict-exit-code"],
    server: options.server,
    ttl: options.ttl,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const timeout = args.nonblock ? 0 : parseTimeout("--get-timeout", args["get-timeout"]);
    const release = args["auto-unget"];
    const owner = args["owner-pid"];
    const access = parseAccess(args.mode, args.group);
    const notGranted = parseRefusalStatus("--conflict-exit-code", args["conflict-exit-code"]);
    const hold: HoldOptions = {
      seconds: release === undefined ? undefined : parseDuration("--auto-unget", release),
      owner: owner === undefined ? undefined : parseProcess("--owner-pid", owner),
      message: args.message,
      server: args.server,
      ttlSeconds: args.ttl === undefined ? undefined : parseTtl(args.ttl),
    };
    const trap = new SignalTrap(terminationSignals);
    endWritesBy(trap.signal);
    await using engine = await openEngine({
      output,
      access,
      resultOf: "getLock",
      server: args.server,
      ttl: args.ttl,
      adopt: args["no-adopt"] !== true,
    });
    const request = {
      message: args.message,
      timeoutSeconds: timeout ?? Infinity,
      adopt: args["no-adopt"] !== true,
      ownerProcess: hold.owner?.pid,
      ...parseQueueing(args, timeout),
    };
    const context = { engine, output, trap };
    const [grant, refusal] = await acquireLock(context, args.name, request);
    if (grant !== undefined) {
      const { owner: bound } = hold;
      const hasOwner = bound === undefined || !hasEnded(bound.pid, bound.start);
      if (hasOwner) return await holdOn(grant, hold, context);
      await grant.release({ whereCalled: "owner ended" });
      const text = `lock "${grant.name}": not taken, because pid ${bound.pid} has ended`;
      await tellRefused(context, grant.name, text, {
        reason: "owner-ended",
        by: [],
        holders: [],
      });
      return notGranted;
    }
    const text = textsFor(output).refused(refusal.name, refusal);
    await tellRefused(context, refusal.name, text, refusal);
    return notGranted;
  },
});

interface HoldOptions {
  /** After how long to release it; undefined leaves it held. */
  seconds: number | undefined;
  /** On a server, after how long it is free without having been released. */
  ttlSeconds: number | undefined;
  /** The process to bind it to. */
  owner: LivingProcess | undefined;
  message: string;
  /** What --server says. */
  server: string | undefined;
}

/** Says that the lock was not taken. */
async function tellRefused(
  context: WaitContext,
  name: string,
  text: string,
  refusal: {
    readonly reason: string;
    readonly by: readonly ProcessLabel[];
    readonly holders: readonly HolderStatus[];
    readonly around?: ProcessLabel | undefined;
    readonly seen?: LockState | undefined;
  },
): Promise<void> {
  const { output } = context;
  const { reason, by, around, holders, seen } = refusal;
  if (output.seedOrder || output.json) {
    const why = { reason, by: by.map(labelOf), holders };
    await report(context, { name, seen }, text, { granted: false, ...why });
  } else if (!output.quiet || around !== undefined) {
    // As run does: that it can never be granted is an error of the script.
    diagnostics().info(text);
  }
}

/** Tells of the grant, and leaves it held or releases it in time. @returns the exit status */
async function holdOn(grant: Grant, hold: HoldOptions, context: WaitContext): Promise<number> {
  const { engine, output, trap } = context;
  const texts = textsFor(output);
  const { name, token } = grant;
  const text = texts.granted(name, { ...hold, process: hold.owner?.pid, info: grant.info });
  const startSeconds = monotonicSeconds();
  try {
    if (hold.seconds !== undefined && !output.quiet) {
      // Nobody may read it: it is not to be held for longer by that.
      const isInTime = await untilWritable(trap.signal, hold.seconds);
      if (!isInTime) throw new OutputError("Cannot write to stdout: nobody reads it in time");
    }
    await report(context, { name }, text, { granted: true, token });
  } catch (error) {
    // Who is told by the status that this failed will not release it.
    await grant.release({ whereCalled: "output failed" });
    throw error;
  }
  if (hold.seconds === undefined) {
    await turn();
  } else {
    const left = hold.seconds - (monotonicSeconds() - startSeconds);
    await trap.sleep(Math.max(0, left), { runsEventLoop: engine.isLeased });
  }
  if (hold.seconds === undefined && trap.received === undefined) {
    const isHeld = await grant.detach(
      hold.owner === undefined ? { seconds: hold.ttlSeconds } : { process: hold.owner.pid },
    );
    if (isHeld) return exitCodes.done;
    throw grant.findLoss() ?? new LockLostError(name, { reason: "expired" });
  }
  const whereCalled = `${hold.message} - auto unget`;
  const loss = await grant.release({ whereCalled });
  const released = loss === undefined;
  const ending = released ? texts.released(name, whereCalled) : texts.notLocked(name, whereCalled);
  await report(context, { name }, ending, { released });
  if (trap.received !== undefined) throw new Interrupted(trap.received);
  return released ? exitCodes.done : exitCodes.no;
}

/** A process as JSON tells of it, whatever else is known. */
function labelOf({ pid, command, host }: ProcessLabel): ProcessLabel {
  return { pid, command, ...(host === undefined ? {} : { host }) };
}

async function report(
  { engine, output }: WaitContext,
  { name, seen }: { readonly name: string; readonly seen?: LockState | undefined },
  text: string,
  outcome: object,
): Promise<void> {
  const facts = output.json ? lockFacts(name, seen ?? (await engine.inspect(name))) : {};
  printResult(output, text, { ...facts, ...outcome });
}
