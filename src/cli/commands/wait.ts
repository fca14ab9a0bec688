/** `wait`: waits until a lock is free, without taking it. */
import { defineCommand } from "citty";
import { monotonicSeconds } from "../../posix/clock.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { parseExitCode, parseTimeout } from "../arguments/values.ts";
import { jsonLine } from "../terminal/escape.ts";
import { exitCodes } from "../exit-code.ts";
import { LockWatch } from "../pictures/lock-watch.ts";
import { diagnostics, printLine } from "../terminal/output.ts";
import { Interrupted, SignalTrap } from "../waiting/signals.ts";
import { textsFor } from "../status/result-text.ts";
import { commandText } from "../status/status-text.ts";
import { WaitNotice } from "../waiting/wait-notice.ts";

/** Nothing tells one who does not queue: it looks, first this often ... */
const shortestPauseSeconds = 0.01;
/** ... and then ever more seldom, down to this. */
const longestPauseSeconds = 0.1;
const pauseGrowth = 1.2;
const noticeSeconds = 1;

export default defineCommand({
  meta: {
    name: "wait",
    group: "Hold a lock",
    description: "Wait until a lock is free, without taking it",
    byDefault: "it waits forever, or for the time of -t",
    examples: [
      ["wait backup && mount /mnt", "go on when no backup runs"],
      ["wait -t 10m backup", "for 10 minutes at most"],
    ],
    conflicts: [["nonblock", "get-timeout"], quietOrVerbose],
    notes: [
      "A lock that does not exist is free. One whose holder died stays locked until somebody takes it.",
    ],
  },
  args: {
    name: nameArgument,
    "get-timeout": {
      ...options["get-timeout"],
      default: "-1",
      description: "how long to wait: 0 looks once, -1 waits forever",
    },
    nonblock: { ...options.nonblock, description: "look once: the same as -t 0" },
    "conflict-exit-code": {
      ...options["conflict-exit-code"],
      description: "exit status if the lock is not free in time",
    },
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const watch = new LockWatch(args.name, { ...output, verbose: false });
    const timeout = args.nonblock
      ? 0
      : (parseTimeout("--get-timeout", args["get-timeout"]) ?? Infinity);
    const notFree = parseExitCode("--conflict-exit-code", args["conflict-exit-code"]);
    const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);

    const startSeconds = monotonicSeconds();
    const notice = output.quiet ? undefined : new Notice(watch);
    let state = watch.look();
    try {
      for (let pause = shortestPauseSeconds; state.locked; pause *= pauseGrowth) {
        const waited = monotonicSeconds() - startSeconds;
        if (waited >= timeout) break;
        notice?.update(waited);
        await trap.sleep(Math.min(pause, longestPauseSeconds, timeout - waited));
        if (trap.received !== undefined) throw new Interrupted(trap.received);
        state = watch.look();
      }
    } finally {
      notice?.end();
      watch.close();
    }
    if (output.json && !output.quiet) printLine(jsonLine(state.json));
    if (!state.locked) return exitCodes.done;
    if (!output.quiet) {
      const { name, info, status } = state;
      const waitedSeconds = timeout === 0 ? 0 : monotonicSeconds() - startSeconds;
      const { holders } = status;
      const facts = { waitedSeconds, info: info ?? "", holders, by: [] };
      diagnostics().info(textsFor(output).refused(name, { reason: "timeout", ...facts }));
    }
    return notFree;
  },
});

/** Says now and then what is waited for; and once that a lock whose holder died does not get free by itself. */
class Notice {
  readonly #watch: LockWatch;
  readonly #notice: WaitNotice;
  #nextSeconds = 0;
  #saidStale = false;

  constructor(watch: LockWatch) {
    this.#watch = watch;
    this.#notice = new WaitNotice(watch.lockName);
  }

  update(waitedSeconds: number): void {
    if (waitedSeconds < this.#nextSeconds) return;
    this.#nextSeconds += noticeSeconds;
    const { status, info } = this.#watch.look();
    const { holders, waiters } = status;
    const isStale = holders.some(({ attachment }) => attachment === "stale");
    if (isStale && waiters.length === 0 && !this.#saidStale) {
      this.#saidStale = true;
      this.#notice.end();
      diagnostics().info(
        `lock "${this.#watch.lockName}": its holder died; the next run or get takes over, or release it with: ${commandText("unget", this.#watch.lockName)}`,
      );
    }
    // It is in no queue.
    const facts = { place: 0, waiting: 0, holders, info: info ?? undefined };
    this.#notice.update(waitedSeconds, () => facts);
  }

  end(): void {
    this.#notice.end();
  }
}
