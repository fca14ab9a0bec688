/** `session`: a process beside a script that takes and releases locks as the script asks, line by line. */
import { defineCommand } from "citty";
import { closesOnExec, isTerminal } from "../../posix/file.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { UsageError } from "../arguments/words.ts";
import { options } from "../arguments/options.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { compileHotCode } from "../jit.ts";
import { BusyLoop } from "../session/busy-loop.ts";
import { Holds } from "../session/holds.ts";
import { LineReader } from "../session/line-reader.ts";
import { RequestSession } from "../session/session.ts";
import { diagnostics, printPatiently } from "../terminal/output.ts";
import { SignalTrap, terminationSignals, turn } from "../waiting/signals.ts";

const stdin = 0;
/** A session that has answered so many requests is worth compiling for: get and unget then take a third of the time. */
const requestsBeforeCompiling = 100;

export default defineCommand({
  meta: {
    name: "session",
    group: "Hold a lock",
    description: "Take and release locks for a script, line by line",
    examples: [
      ["session <requests >answers", "requests as lines: get i2c-1 -t 5"],
      ["session --json", "answers as objects"],
    ],
    notes: [
      "Each line of stdin is a request: get, unget, state, wait, info, list or history, with a NAME and options as on a command line, quoted as in sh. Each line gets one line on stdout: the exit status, a space, and what the command says; an empty line or a # comment gets 0.",
      "A request's get also takes --shared and --slots, and neither --auto-unget nor --owner-pid. With -q an answer has the status alone.",
      "The session's locks are released when stdin ends, or when the session ends for any other reason.",
    ],
  },
  args: { json: options.json, server: options.server, ttl: options.ttl, help: options.help },
  async run({ args, data }) {
    if (data === undefined) throw new UsageError("session needs the program around it");
    // Bun opens /dev/null in place of a closed stdin, close-on-exec, which no inherited one can be.
    if (closesOnExec(stdin)) throw new UsageError("stdin is closed: requests come from there");
    const trap = new SignalTrap(terminationSignals);
    const output = { ...outputOptions(args, data), json: false };
    await using engine = await openEngine({ server: args.server, ttl: args.ttl, output });
    const holds = new Holds(engine, trap.signal);
    const session = new RequestSession(holds, data.tree, {
      json: args.json ?? false,
      server: args.server,
    });
    if (isTerminal(stdin)) {
      diagnostics().info("type a request on each line, as in get NAME; ^D ends it");
    }
    try {
      await answerRequests(session, trap, engine.isLeased);
    } finally {
      await holds.releaseAll("end of session");
    }
    trap.signal.throwIfAborted();
    return exitCodes.done;
  },
});

/** Answers the lines of stdin, until it ends or a signal comes. */
async function answerRequests(
  session: RequestSession,
  trap: SignalTrap,
  runsEventLoop: boolean,
): Promise<void> {
  const reader = new LineReader(stdin, { runsEventLoop });
  const busyLoop = new BusyLoop({ hasTimers: runsEventLoop });
  const interrupted = async () => {
    await turn();
    return trap.signal.aborted;
  };
  for (let count = 1; ; count++) {
    let answer: string;
    try {
      const request = await reader.next(interrupted);
      if (request === undefined) return;
      answer = await session.answer(request);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      answer = session.refusal(error);
    }
    await printPatiently(`${answer}\n`, trap.signal);
    if (busyLoop.lookWhetherDue() && (await interrupted())) return;
    if (count === requestsBeforeCompiling) compileHotCode();
  }
}
