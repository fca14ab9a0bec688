/** `trace`: prints the state of locks again and again, or draws it on a terminal. */
import { defineCommand } from "citty";
import { monotonicSeconds } from "../../posix/clock.ts";
import { obeysControls } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options } from "../arguments/options.ts";
import { painter } from "../terminal/colors.ts";
import { parseDuration } from "../arguments/values.ts";
import { exitCodes } from "../exit-code.ts";
import { compileHotCode } from "../jit.ts";
import { LiveScreen } from "../terminal/live-screen.ts";
import { LockWatch } from "../pictures/lock-watch.ts";
import { type OutputOptions, printResult } from "../terminal/output.ts";
import { Interrupted, SignalTrap } from "../waiting/signals.ts";
import { LockTimeline, mostCells } from "../pictures/timeline.ts";
import { tracePicture } from "../pictures/trace-picture.ts";
import { UsageError } from "../arguments/words.ts";

const shortestUpdateSeconds = 0.001;
/** More pictures a second show nobody more. */
const shortestFrameSeconds = 0.03;
const stdout = 1;

export default defineCommand({
  meta: {
    name: "trace",
    group: "See locks",
    description: "Follow the state of locks, until ^C",
    examples: [
      ["trace backup", "draw who holds it, until ^C"],
      ["trace -u 0.1 --json bus", "print its state ten times a second"],
    ],
    repeats: true,
    notes: [
      "On a terminal it draws a line of cells for each lock, one cell a look. With --json, -v, or elsewhere than on a terminal it prints the state at each look.",
    ],
  },
  args: {
    name: nameArgument,
    update: options.update,
    "no-color": options["no-color"],
    ...commonOptions,
  },
  async run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const updateSeconds = parseDuration("--update", args.update);
    if (updateSeconds < shortestUpdateSeconds) {
      throw new UsageError(`--update: ${JSON.stringify(args.update)} is shorter than 1ms`);
    }
    const watches = args._.map((name) => new LockWatch(name, output));
    return isLive(output)
      ? await draw(watches, updateSeconds, args["no-color"] ?? false)
      : await print(watches, updateSeconds, output);
  },
});

/** The debug texts of -v would stand in the picture. */
function isLive({ json, quiet, verbose }: OutputOptions): boolean {
  return !json && !quiet && !verbose && obeysControls(stdout);
}

async function print(
  watches: readonly LockWatch[],
  updateSeconds: number,
  output: OutputOptions,
): Promise<number> {
  const trap = new SignalTrap(["SIGINT"]);
  await everySoOften(updateSeconds, trap, () => {
    const time = new Date().toISOString();
    for (const watch of watches) {
      const { text, json } = watch.look();
      printResult(output, text, { time, ...json });
    }
  });
  return exitCodes.done;
}

async function draw(
  watches: readonly LockWatch[],
  updateSeconds: number,
  noColor: boolean,
): Promise<number> {
  const trap = new SignalTrap(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]);
  const paint = painter(stdout, noColor);
  const locks = watches.map((watch) => ({ watch, timeline: new LockTimeline(watch.lockName) }));
  const lookSeconds: number[] = [];
  const screen = new LiveScreen((size) =>
    tracePicture(
      locks.map(({ timeline }) => timeline.row),
      lookSeconds,
      size,
      paint,
    ),
  );
  let drawnSeconds = 0;
  try {
    await everySoOften(updateSeconds, trap, (seconds) => {
      // It was stopped, or the host was asleep.
      if (seconds - (lookSeconds.at(-1) ?? seconds) > 1 + 3 * updateSeconds) {
        for (const { timeline } of locks) timeline.addGap();
        lookSeconds.push(seconds);
      }
      const now = Date.now() / 1000;
      for (const { watch, timeline } of locks) timeline.add(watch.look(), seconds, now);
      lookSeconds.push(seconds);
      if (lookSeconds.length > mostCells) lookSeconds.splice(0, lookSeconds.length - mostCells);
      if (seconds - drawnSeconds < shortestFrameSeconds) return;
      drawnSeconds = seconds;
      screen.draw();
    });
    if (trap.received === "SIGINT") screen.draw();
  } finally {
    screen.end();
  }
  if (trap.received !== undefined && trap.received !== "SIGINT") {
    throw new Interrupted(trap.received);
  }
  return exitCodes.done;
}

/** Looks at once, and then at even intervals until a signal comes in; looks that are late are left out. */
async function everySoOften(
  intervalSeconds: number,
  trap: SignalTrap,
  look: (seconds: number) => void,
): Promise<void> {
  let dueSeconds = monotonicSeconds();
  while (trap.received === undefined) {
    look(monotonicSeconds());
    const nowSeconds = monotonicSeconds();
    dueSeconds = Math.max(dueSeconds + intervalSeconds, nowSeconds);
    await trap.sleep(dueSeconds - nowSeconds);
  }
}
