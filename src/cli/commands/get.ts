/** `get`: takes a lock that stays when the command ends, or with `-a` for a time. */
import { defineCommand } from "citty";
import { ResourceLock } from "../../host/resource-lock.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { awaitGrant, timedOut } from "../waiting/await-grant.ts";
import {
  parseAccess,
  parseDuration,
  parseExitCode,
  parseProcess,
  parseTimeout,
  requireMessageFits,
} from "../arguments/values.ts";
import { exitCodes } from "../exit-code.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { textsFor } from "../status/result-text.ts";
import { lockLogger, printResult } from "../terminal/output.ts";
import { Interrupted, SignalTrap, turn } from "../waiting/signals.ts";

export default defineCommand({
  meta: {
    name: "get",
    group: "Hold a lock",
    description: "Take a lock and leave it taken, until unget",
    byDefault: "it waits for 0.5 s, or for the time of -t",
    examples: [
      ["get deploy -t 1m", "wait for up to a minute"],
      ["get deploy --owner-pid $$", "free it when this shell ends"],
      ["unget deploy", "release it"],
    ],
    conflicts: [["auto-unget", "owner-pid"], ["nonblock", "get-timeout"], quietOrVerbose],
  },
  args: {
    name: nameArgument,
    "get-timeout": { ...options["get-timeout"], default: "0.5" },
    nonblock: options.nonblock,
    message: { ...options.message, default: "cli" },
    "auto-unget": options["auto-unget"],
    "owner-pid": options["owner-pid"],
    "no-adopt": options["no-adopt"],
    mode: options.mode,
    group: options.group,
    "conflict-exit-code": options["conflict-exit-code"],
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const timeout = args.nonblock ? 0 : parseTimeout("--get-timeout", args["get-timeout"]);
    const autoUnget =
      args["auto-unget"] === undefined
        ? undefined
        : parseDuration("--auto-unget", args["auto-unget"]);
    const access = parseAccess(args.mode, args.group);
    const notGranted = parseExitCode("--conflict-exit-code", args["conflict-exit-code"]);
    const ownerPid =
      args["owner-pid"] === undefined ? 0 : parseProcess("--owner-pid", args["owner-pid"]);
    const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
    requireMessageFits(args.name, args.message);
    const lock = new ResourceLock(args.name, { ...access, logger: lockLogger(output) });
    const { lockName: name } = lock;

    const texts = textsFor(output);
    const report = (text: string, outcome: object) => {
      printResult(output, text, { ...lockFacts(lock), ...outcome });
    };
    const unget = () => {
      const whereCalled = `${args.message} - auto unget`;
      const released = lock.ungetLock({ whereCalled });
      const text = released
        ? texts.released(name, whereCalled)
        : texts.notLocked(name, whereCalled);
      report(text, { released });
      return released;
    };

    const startSeconds = monotonicSeconds();
    const granted = await awaitGrant(lock, {
      timeout,
      lockInfo: args.message,
      adopt: !args["no-adopt"],
      trap,
      quiet: output.quiet,
      seedOrder: output.seedOrder,
    });
    if (!granted) {
      report(
        texts.refused(name, timedOut(lock, timeout === 0 ? 0 : monotonicSeconds() - startSeconds)),
        { granted },
      );
      return notGranted;
    }
    try {
      const grant = {
        info: lock.getLockInfo(),
        process: ownerPid || undefined,
        seconds: autoUnget,
      };
      report(texts.granted(name, grant), { granted, token: lock.token });
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
