/** `get`: takes a lock that stays when the command ends, or with `-a` for a time. */
import { messages } from "../../lock/messages.ts";
import { ResourceLock } from "../../host/resource-lock.ts";
import { processStart } from "../../posix/process-start.ts";
import { parseAccess } from "../arguments/access.ts";
import { commonOptions, nameArgument, options, outputOptions } from "../arguments/arguments.ts";
import { awaitGrant } from "../waiting/await-grant.ts";
import { command } from "../arguments/command.ts";
import { conflictExitCode } from "../arguments/conflict.ts";
import { parseDuration, parseTimeout } from "../arguments/duration.ts";
import { exitCodes } from "../exit-code.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { requireMessageFits } from "../arguments/message.ts";
import { lockLogger, printResult } from "../terminal/output.ts";
import { Interrupted, SignalTrap, turn } from "../waiting/signals.ts";
import { UsageError } from "../arguments/usage-error.ts";

export default command({
  name: "get",
  description: "Take a lock and leave it taken, until unget",
  args: {
    name: nameArgument,
    "get-timeout": { ...options["get-timeout"], default: "0.5" },
    message: { ...options.message, default: "cli" },
    "auto-unget": options["auto-unget"],
    "owner-pid": options["owner-pid"],
    "no-adopt": options["no-adopt"],
    mode: options.mode,
    group: options.group,
    "conflict-exit-code": options["conflict-exit-code"],
    ...commonOptions,
  },
  async run({ args }) {
    const output = outputOptions(args);
    const timeout = parseTimeout("--get-timeout", args["get-timeout"]);
    const autoUnget =
      args["auto-unget"] === undefined
        ? undefined
        : parseDuration("--auto-unget", args["auto-unget"]);
    if (autoUnget !== undefined && args["owner-pid"] !== undefined) {
      throw new UsageError("give --auto-unget or --owner-pid, not both");
    }
    const access = parseAccess(args.mode, args.group);
    const notGranted = conflictExitCode(args["conflict-exit-code"]);
    const ownerPid = args["owner-pid"] === undefined ? 0 : livingProcess(args["owner-pid"]);
    const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
    requireMessageFits(args.name, args.message);
    const lock = new ResourceLock(args.name, { ...access, logger: lockLogger(output) });
    const { lockName: name } = lock;

    const report = (text: string, outcome: object) => {
      printResult(output, text, { ...lockFacts(lock), ...outcome });
    };
    const unget = () => {
      const whereCalled = `${args.message} - auto unget`;
      const released = lock.ungetLock({ whereCalled });
      const text = released
        ? messages.released(name, whereCalled)
        : messages.extraneous(name, whereCalled);
      report(text, { released });
      return released;
    };

    const granted = await awaitGrant(lock, {
      timeout,
      lockInfo: args.message,
      adopt: !args["no-adopt"],
      trap,
      quiet: output.quiet,
    });
    if (!granted) {
      report(messages.timedOut(name, lock.getLockInfo()), { granted });
      return notGranted;
    }
    try {
      report(messages.granted(name, lock.getLockInfo()), { granted, token: lock.token });
    } catch (error) {
      // Who is told by the status that this failed will not release it.
      lock.ungetLock({ whereCalled: "output failed" });
      throw error;
    }
    if (autoUnget !== undefined) await trap.sleep(autoUnget);
    else await turn();
    if (autoUnget === undefined && trap.received === undefined) {
      lock.detach(ownerPid);
      return exitCodes.done;
    }
    const released = unget();
    if (trap.received !== undefined) throw new Interrupted(trap.received);
    return released ? exitCodes.done : exitCodes.no;
  },
});

function livingProcess(text: string): number {
  const pid = Number(text);
  if (String(pid) === text && Number.isInteger(pid) && pid > 0 && processStart(pid) !== undefined) {
    return pid;
  }
  throw new UsageError(
    `--owner-pid: ${JSON.stringify(text)} is not the number of a living process`,
  );
}
