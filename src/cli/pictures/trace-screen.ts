/** The live screen of `trace`: looks at locks, draws them, and does what keys say. */
import { isTerminal } from "../../posix/file.ts";
import { terminalSize, type TerminalSize } from "../../posix/terminal.ts";
import type { GrantRecord } from "../../lock/status.ts";
import { lockStyles, type Paint } from "../terminal/colors.ts";
import { escapeControls } from "../terminal/escape.ts";
import { LiveScreen } from "../terminal/live-screen.ts";
import { compareNaturally, counted } from "../terminal/text.ts";
import { fineDurationText } from "../terminal/time-text.ts";
import { briefHoldersText } from "../status/status-text.ts";
import { historyTable } from "./history-table.ts";
import { LockTimeline, maxCells, pastOf, type SeenLock, type TraceRow } from "./timeline.ts";
import { tracePicture } from "./trace-picture.ts";
import { keysIn, press, type TraceView } from "./trace-view.ts";

const stdin = 0;
const stdout = 1;

const wideKeys = "q quit  up/down select  enter history  u release";
const narrowKeys = "q quit  enter history  u release";
const wideColumns = 50;

/** The source of the locks, which a command gives. */
export interface TraceSource {
  /** Looks at all of the locks. */
  look(): Promise<readonly (SeenLock & { name: string })[]>;
  history(name: string): Promise<readonly GrantRecord[]>;
  /** Releases a lock by force. @returns what is to be said about it, in lines */
  release(name: string): Promise<readonly string[]>;
}

export interface TraceOptions {
  updateSeconds: number;
  paint: Paint;
  /** Whether locks come and go, and those that are held stand first. */
  all: boolean;
}

export class TraceScreen {
  readonly #source: TraceSource;
  readonly #options: TraceOptions;
  readonly #timelines = new Map<string, LockTimeline>();
  readonly #screen: LiveScreen;
  /** When the cells were looked at, on a clock that nobody sets. */
  #lookSeconds: number[] = [];
  #rows: readonly TraceRow[] = [];
  #view: TraceView = { page: "locks", selected: undefined };
  #said: readonly string[] = [];
  /** The history that its page shows. */
  #records: readonly GrantRecord[] = [];

  constructor(source: TraceSource, options: TraceOptions) {
    this.#source = source;
    this.#options = options;
    this.#screen = new LiveScreen((size) => this.#picture(size));
  }

  /**
   * Looks at the locks. Looks that were too late leave a gap: the process was stopped, or the host asleep.
   *
   * @param seconds on a clock that nobody sets
   * @param now seconds since 1970
   */
  async look(seconds: number, now: number): Promise<void> {
    const { updateSeconds, all } = this.#options;
    const isFirst = this.#lookSeconds.length === 0;
    if (isFirst) this.#startWithPast(seconds);
    else if (seconds - (this.#lookSeconds.at(-1) ?? seconds) > 1 + 3 * updateSeconds) {
      for (const timeline of this.#timelines.values()) timeline.addGap();
      this.#lookSeconds.push(seconds);
    }
    const seen = await this.#source.look();
    const names = new Set(seen.map(({ name }) => name));
    for (const name of this.#timelines.keys()) if (!names.has(name)) this.#timelines.delete(name);
    for (const lock of seen) {
      const timeline = await this.#timelineOf(lock.name, seconds, now);
      timeline.add(lock, seconds, now);
    }
    this.#lookSeconds.push(seconds);
    this.#lookSeconds = this.#lookSeconds.slice(-maxCells);
    const rows = [...this.#timelines.values()].map(({ row }) => row);
    this.#rows = all ? rows.toSorted(rowsHeldFirst) : rows;
    await this.#readHistory();
  }

  draw(): void {
    this.#screen.draw();
  }

  /** Does what was typed. @returns whether the screen is to end */
  async obey(): Promise<boolean> {
    const keys = keysIn(this.#screen.typed());
    for (const key of keys) {
      const locks = this.#rows.map(({ name, cells }) => ({
        name,
        isFree: !isHeld(cells.at(-1)?.kind),
      }));
      const { view, act, say } = press(this.#view, key, locks);
      this.#view = view;
      this.#said = say === undefined ? [] : [say];
      if (act === "quit") return true;
      if (act !== undefined) this.#said = await this.#source.release(act.release);
    }
    if (keys.length > 0) {
      await this.#readHistory();
      this.draw();
    }
    return false;
  }

  /** Leaves the last picture of the locks, without marks and keys. */
  end(): void {
    this.#screen.end((size) =>
      tracePicture(this.#rows, this.#lookSeconds, size, { paint: this.#options.paint }),
    );
  }

  /** The time before the first look, as far as the histories tell: the picture has its full width at once. */
  #startWithPast(seconds: number): void {
    const { updateSeconds } = this.#options;
    const count = Math.min(maxCells - 1, terminalSize(stdout).columns);
    this.#lookSeconds = Array.from(
      { length: count },
      (_, index) => seconds - (count - index) * updateSeconds,
    );
  }

  async #timelineOf(name: string, seconds: number, now: number): Promise<LockTimeline> {
    const known = this.#timelines.get(name);
    if (known !== undefined) return known;
    const times = this.#lookSeconds.map((look) => now - (seconds - look));
    const past = pastOf(await this.#source.history(name), times, seconds, now);
    const timeline = new LockTimeline(name, past);
    this.#timelines.set(name, timeline);
    return timeline;
  }

  async #readHistory(): Promise<void> {
    const { page, selected } = this.#view;
    if (page !== "history" || selected === undefined) return;
    this.#records = await this.#source.history(selected);
  }

  #picture(size: TerminalSize): string[] {
    const { paint, all } = this.#options;
    const { page, selected } = this.#view;
    if (page === "history" && selected !== undefined) return this.#historyPage(selected, size);
    const footer = [...(all ? [this.#summary()] : []), ...this.#keyLines(size.columns)];
    return tracePicture(this.#rows, this.#lookSeconds, size, { paint, selected, footer });
  }

  #summary(): string {
    const held = this.#rows.filter(({ cells }) => isHeld(cells.at(-1)?.kind)).length;
    const waiting = this.#rows.reduce((sum, { waiters }) => sum + waiters, 0);
    const count = counted(this.#rows.length, "lock", "locks");
    return this.#options.paint("dim", `${count}, ${held} held, ${waiting} waiting`);
  }

  #keyLines(columns: number): string[] {
    const { paint } = this.#options;
    const { page, selected } = this.#view;
    if (this.#said.length > 0) return this.#said.map(escapeControls);
    if (!isTerminal(stdin)) return [];
    const row = this.#rows.find(({ name }) => name === selected);
    if (row === undefined) return [paint("dim", "q quit  up/down select a lock")];
    const { name } = row;
    const holders = briefHoldersText(row.holders);
    if (page === "question") {
      // The keys first: on a narrow terminal the rest is cut.
      const held = holders === "" ? "" : `  held by ${holders}`;
      return [paint(lockStyles.broken, escapeControls(`Release ${name}? y/n${held}`))];
    }
    const isTimed = row.holdSeconds !== null && row.cells.at(-1)?.kind !== "stale";
    const time = isTimed ? ` for ${fineDurationText(row.holdSeconds ?? 0)}` : "";
    const held = holders === "" ? "free" : `held by ${holders}${time}`;
    const keys = columns < wideColumns ? narrowKeys : wideKeys;
    return [escapeControls(`${name}: ${held}, ${row.waiters} waiting`), paint("dim", keys)];
  }

  #historyPage(name: string, { columns, lines }: TerminalSize): string[] {
    const { paint } = this.#options;
    const records = this.#records;
    const title = paint("bold", escapeControls(name));
    const keys = paint("dim", "any key: back  q quit");
    if (records.length === 0) return [title, "no history yet", keys].slice(0, lines);
    const last = records.slice(-Math.max(1, lines - 3));
    const table = historyTable(last, columns, Date.now() / 1000, paint);
    return [title, ...table, keys].slice(0, lines);
  }
}

function isHeld(kind: string | undefined): boolean {
  return kind === "held" || kind === "contended" || kind === "stale";
}

function rowsHeldFirst(one: TraceRow, other: TraceRow): number {
  const [rank, otherRank] = [one, other].map(({ cells }) => Number(!isHeld(cells.at(-1)?.kind)));
  return (rank ?? 0) - (otherRank ?? 0) || compareNaturally(one.name, other.name);
}
