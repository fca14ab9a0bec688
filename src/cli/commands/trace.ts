/** `trace`: prints the state of locks again and again, or draws it on a terminal. */
import { defineCommand } from "citty";
import type { LockEngine } from "../../lock/engine.ts";
import { parseLockName } from "../../lock/name.ts";
import { monotonicSeconds } from "../../posix/clock.ts";
import { obeysControls } from "../../posix/terminal.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options } from "../arguments/options.ts";
import { parseDuration } from "../arguments/values.ts";
import { UsageError } from "../arguments/words.ts";
import { openEngine } from "../engine.ts";
import { exitCodes } from "../exit-code.ts";
import { compileHotCode } from "../jit.ts";
import { TraceScreen, type TraceSource } from "../pictures/trace-screen.ts";
import { type State, stateNow, stateOf } from "../status/existing.ts";
import { livingHolderTexts } from "../status/living-holders.ts";
import { rareLooks, WatchedStates } from "../status/watched-states.ts";
import { textsFor } from "../status/result-text.ts";
import { painter } from "../terminal/colors.ts";
import { type OutputOptions, printResult } from "../terminal/output.ts";
import { compareNaturally } from "../terminal/text.ts";
import { Interrupted, SignalTrap, terminationSignals } from "../waiting/signals.ts";

const minUpdateSeconds = 0.001;
/** More pictures a second show nobody more. */
const minFrameSeconds = 0.03;
/** A key is obeyed this soon. */
const keySeconds = 0.05;
const stdout = 1;

// Without what it prints it would only last.
const { quiet: _, ...traceOptions } = commonOptions;

export default defineCommand({
  meta: {
    name: "trace",
    group: "See locks",
    description: "Follow the state of locks, until ^C",
    examples: [
      ["trace", "draw all locks, held ones first"],
      ["trace backup", "draw who holds it, until q or ^C"],
      ["trace -u 0.1 --json bus", "print its state ten times a second"],
    ],
    repeats: true,
    notes: [
      "Without a NAME it follows all locks, held ones first; those of a server every two seconds.",
      "On a terminal, it draws a line of cells for each lock, one cell per look. Up and down select a lock, Enter shows its history, and u releases it after asking; q ends. With --json or -v, or if stdout is not a terminal, it prints the state at each look.",
    ],
  },
  args: {
    name: { ...nameArgument, required: false },
    update: options.update,
    "no-color": options["no-color"],
    server: options.server,
    ...traceOptions,
  },
  async run({ args, data }) {
    compileHotCode();
    const output = outputOptions(args, data);
    const updateSeconds = parseDuration("--update", args.update);
    if (updateSeconds < minUpdateSeconds) {
      throw new UsageError(`--update: ${JSON.stringify(args.update)} is shorter than 1ms`);
    }
    const all = args._.length === 0;
    const names = args._.map(parseLockName);
    await using engine = await openEngine({ server: args.server, output });
    using watched = engine.isLeased && !all ? new WatchedStates(engine, names) : undefined;
    const lookAtThem = () => (all ? lookAtAll(engine) : lookAtNamed(engine, names));
    const look =
      watched?.look.bind(watched) ?? (engine.isLeased ? rareLooks(lookAtThem) : lookAtThem);
    if (!isLive(output)) return await print(look, updateSeconds, output);
    const paint = painter(stdout, args["no-color"] ?? false);
    const screen = () =>
      new TraceScreen(sourceFor(engine, look, output), { updateSeconds, paint, all });
    return await draw(screen, updateSeconds);
  },
});

type Look = () => Promise<readonly State[]>;

/** Looks at all locks but those that this user may not read. */
async function lookAtAll(engine: LockEngine): Promise<readonly State[]> {
  const locks = await engine.list();
  return locks
    .filter(({ state }) => state !== "unreadable")
    .map((lock) => stateOf(lock.name, lock))
    .toSorted((one, other) => compareNaturally(one.name, other.name));
}

async function lookAtNamed(
  engine: LockEngine,
  names: readonly string[],
): Promise<readonly State[]> {
  const states: State[] = [];
  for (const name of names) states.push(await stateNow(engine, name));
  return states;
}

function sourceFor(engine: LockEngine, look: Look, output: OutputOptions): TraceSource {
  return {
    look,
    history: async (name) => (await engine.history(name)) ?? [],
    async release(name) {
      const { outcome, holders } = await engine.forceRelease(name, { by: "trace" });
      const texts = textsFor(output);
      if (outcome !== "released") return [texts.notLocked(name, "trace")];
      return [texts.forceReleased(name, "trace"), ...livingHolderTexts(name, holders)];
    },
  };
}

/** The debug texts of -v would stand in the picture. */
function isLive({ json, quiet, verbose }: OutputOptions): boolean {
  return !json && !quiet && !verbose && obeysControls(stdout);
}

async function print(look: Look, updateSeconds: number, output: OutputOptions): Promise<number> {
  const trap = new SignalTrap(["SIGINT"]);
  const texts = textsFor(output);
  await everySoOften(updateSeconds, trap, async () => {
    const time = new Date().toISOString();
    for (const state of await look()) {
      printResult(output, texts.look(state), { time, ...state.json });
    }
    return false;
  });
  return exitCodes.done;
}

async function draw(screenOf: () => TraceScreen, updateSeconds: number): Promise<number> {
  const trap = new SignalTrap(terminationSignals);
  const screen = screenOf();
  let lookDue = 0;
  let drawnSeconds = 0;
  try {
    await everySoOften(Math.min(updateSeconds, keySeconds), trap, async (seconds) => {
      if (seconds >= lookDue) {
        lookDue = Math.max(lookDue + updateSeconds, seconds);
        await screen.look(seconds, Date.now() / 1000);
        if (seconds - drawnSeconds >= minFrameSeconds) {
          drawnSeconds = seconds;
          screen.draw();
        }
      }
      return await screen.obey();
    });
  } finally {
    screen.end();
  }
  if (trap.received !== undefined && trap.received !== "SIGINT") {
    throw new Interrupted(trap.received);
  }
  return exitCodes.done;
}

/**
 * Acts at once, and then at even intervals until a signal comes in or it says that it is done; moments that are
 * missed are left out.
 */
async function everySoOften(
  intervalSeconds: number,
  trap: SignalTrap,
  act: (seconds: number) => Promise<boolean>,
): Promise<void> {
  let dueSeconds = monotonicSeconds();
  while (trap.received === undefined) {
    if (await act(monotonicSeconds())) return;
    const nowSeconds = monotonicSeconds();
    dueSeconds = Math.max(dueSeconds + intervalSeconds, nowSeconds);
    await trap.sleep(dueSeconds - nowSeconds);
  }
}
