/** `wait`: waits until a lock is free, without taking it. */
import { defineCommand } from "citty";
import { monotonicSeconds } from "../../posix/clock.ts";
import type { LockEngine } from "../../lock/engine.ts";
import { parseLockName } from "../../lock/name.ts";
import { outputOptions } from "../arguments/arguments.ts";
import {
  commonOptions,
  flockWaitWords,
  nameArgument,
  options,
  quietOrVerbose,
} from "../arguments/options.ts";
import { parseRefusalStatus, parseTimeout } from "../arguments/values.ts";
import { jsonLine } from "../terminal/escape.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { diagnostics, endWritesBy, type OutputOptions, printLine } from "../terminal/output.ts";
import { Interrupted, SignalTrap, terminationSignals } from "../waiting/signals.ts";
import type { State } from "../status/existing.ts";
import { heldAroundText } from "../status/hold-around.ts";
import { textsFor } from "../status/result-text.ts";
import { commandText } from "../status/status-text.ts";
import { type FreeWait, waitUntilFree } from "../status/until-free.ts";
import { WaitNotice } from "../waiting/wait-notice.ts";

const noticeSeconds = 1;

export default defineCommand({
  meta: {
    name: "wait",
    group: "Hold a lock",
    description: "Wait until a lock is free, without taking it",
    repeats: true,
    byDefault: "it waits forever, or for the time of -t",
    examples: [
      ["wait backup && mount /mnt", "go on when no backup runs"],
      ["wait -t 10m backup", "for 10 minutes at most"],
    ],
    conflicts: [["nonblock", "get-timeout"], quietOrVerbose],
    notes: [
      "A lock that does not exist is free. A lock whose holder died counts as held until somebody takes over.",
      "With several names, it waits for one lock after the other.",
      `${flockWaitWords}.`,
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
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    const timeout = args.nonblock
      ? 0
      : (parseTimeout("--get-timeout", args["get-timeout"]) ?? Infinity);
    const notFree = parseRefusalStatus("--conflict-exit-code", args["conflict-exit-code"]);
    const names = args._.map(parseLockName);
    const trap = new SignalTrap(terminationSignals);
    endWritesBy(trap.signal);
    await using engine = await openEngine({
      server: args.server,
      output: { ...output, verbose: false },
    });
    const deadline = new AbortController();
    const timer =
      timeout === 0 || timeout === Infinity
        ? undefined
        : setTimeout(
            () => deadline.abort(new DOMException("The wait timed out", "TimeoutError")),
            timeout * 1000,
          );
    const ends = AbortSignal.any([deadline.signal, trap.signal]);
    const startSeconds = monotonicSeconds();
    try {
      for (const name of names) {
        const state = await waitAloud(engine, name, {
          signal: ends,
          once: timeout === 0,
          quiet: output.quiet,
        });
        if (trap.received !== undefined) throw new Interrupted(trap.received);
        if (output.json && !output.quiet) printLine(jsonLine(state.json));
        if (!state.locked) continue;
        if (state.around !== undefined) {
          diagnostics().error(heldAroundText(state.name, state.around, { command: "wait" }));
          return notFree;
        }
        const waitedSeconds = timeout === 0 ? 0 : monotonicSeconds() - startSeconds;
        if (!output.quiet) diagnostics().info(notFreeText(state, waitedSeconds, output));
        return notFree;
      }
      return exitCodes.done;
    } finally {
      clearTimeout(timer);
    }
  },
});

/** Waits, and says now and then for what. */
async function waitAloud(
  engine: LockEngine,
  name: string,
  { quiet, ...wait }: Omit<FreeWait, "onLook"> & { quiet: boolean },
): ReturnType<typeof waitUntilFree> {
  const notice = quiet ? undefined : new Notice(name);
  const startSeconds = monotonicSeconds();
  const onLook = (state: State) => notice?.update(monotonicSeconds() - startSeconds, state);
  try {
    return await waitUntilFree(engine, name, { ...wait, onLook });
  } finally {
    notice?.end();
  }
}

function notFreeText(state: State, waitedSeconds: number, output: OutputOptions): string {
  const { name, info, status } = state;
  const facts = { waitedSeconds, info: info ?? "", holders: status.holders, by: [] };
  return textsFor(output).refused(name, { reason: "timeout", ...facts });
}

/** Says now and then what is waited for; and once that a lock whose holder died does not get free by itself. */
class Notice {
  readonly #lockName: string;
  readonly #notice: WaitNotice;
  #nextSeconds = 0;
  #saidStale = false;

  constructor(lockName: string) {
    this.#lockName = lockName;
    this.#notice = new WaitNotice(lockName);
  }

  update(waitedSeconds: number, { info, status: { holders, waiters } }: State): void {
    if (waitedSeconds < this.#nextSeconds) return;
    this.#nextSeconds += noticeSeconds;
    const isStale = holders.some(({ attachment }) => attachment === "stale");
    if (isStale && waiters.length === 0 && !this.#saidStale) {
      this.#saidStale = true;
      this.#notice.end();
      diagnostics().info(
        `lock "${this.#lockName}": its holder died; the next run or get takes over, or release it with: ${commandText("unget", this.#lockName)}`,
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
