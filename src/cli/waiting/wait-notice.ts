/** What a waiting command says on stderr: a line now and then, or on a terminal one live line. */
import { withoutDate } from "../../lock/info-text.ts";
import type { HolderStatus } from "../../lock/status.ts";
import { holdersText } from "../status/status-text.ts";
import { escapeControls } from "../terminal/escape.ts";
import { type NoticeOutput, standardError } from "../terminal/output.ts";
import { cutToColumns, ordinal } from "../terminal/text.ts";
import { durationText } from "../terminal/time-text.ts";

/** What is waited for. */
export interface WaitFacts {
  /** The place in the queue, from 1; 0 for an onlooker, which does not queue. */
  place: number;
  /** How many wait, this one included. */
  waiting: number;
  holders: readonly HolderStatus[];
  /** The info text: all that is known of a holder without a ledger. */
  info?: string | undefined;
}

/** Lines in a log repeat at this interval; a live line is drawn at each update. */
const repeatSeconds = 30;
const prefix = "resourcelock: ";

/** For the ^C that a terminal echoes: it must not begin another line, which {@link WaitNotice.end} would leave. */
const spareColumns = 3;
const clearLine = "\r\u001B[K";

export class WaitNotice {
  readonly #lockName: string;
  readonly #output: NoticeOutput;
  #nextSeconds = 0;
  #lineShown = false;

  constructor(lockName: string, output: NoticeOutput = standardError) {
    this.#lockName = lockName;
    this.#output = output;
  }

  /**
   * Says what is waited for, when it is time to. To be called when the wait begins and about once a second.
   *
   * @param describe is called only when something is said
   */
  update(waitedSeconds: number, describe: () => WaitFacts): void {
    const { live } = this.#output;
    if (!live && waitedSeconds < this.#nextSeconds) return;
    const facts = describe();
    // It was released meanwhile: this wait is over, or can say more next time.
    if (facts.holders.length === 0 && facts.place <= 1) return;
    // A line in a log is as long as what it has to say.
    const columns = live ? this.#output.columns() - spareColumns : Infinity;
    const text = noticeText(this.#lockName, waitedSeconds, facts, columns - prefix.length);
    if (live) {
      const isNarrow = Bun.stringWidth(prefix + text) > columns;
      const line = isNarrow
        ? noticeText(this.#lockName, waitedSeconds, facts, columns)
        : prefix + text;
      this.#output.raw(clearLine + cutToColumns(line, columns));
      this.#lineShown = true;
    } else {
      this.#output.line(text);
      this.#nextSeconds += repeatSeconds;
    }
  }

  /** Takes the live line away. */
  end(): void {
    if (this.#lineShown) this.#output.raw(clearLine);
    this.#lineShown = false;
  }
}

/** The least that a message is cut to, so that it is still recognized. */
const minTextColumns = 8;

/**
 * One line, place first: as in `2nd of 3 for lock "disk", held by pid 4242 (make) for 12s`. What is too wide is
 * shortened: the holders' messages first, then fewer holders are named, then one without its message; the lock's name
 * stays whole.
 */
export function noticeText(
  lockName: string,
  waitedSeconds: number,
  told: WaitFacts,
  columns: number,
): string {
  const facts = escaped(told);
  const full: Shortening = { name: lockName, messageColumns: Infinity, maxNamed: 3 };
  const messages = facts.holders.map(({ attachment, command }) =>
    attachment === "foreign" ? withoutDate(facts.info ?? "") : command,
  );
  const longest = Math.max(0, ...messages.map((message) => Bun.stringWidth(message)));
  const excess = (tried: Shortening) =>
    Bun.stringWidth(textOf(tried, waitedSeconds, facts)) - columns;
  const shortened = (maxNamed: number): Shortening => {
    const cut = Math.ceil(excess({ ...full, maxNamed }) / maxNamed);
    return { ...full, maxNamed, messageColumns: Math.max(minTextColumns, longest - cut) };
  };
  const shortest = { ...full, maxNamed: 1, messageColumns: 0 };
  const tries = [full, shortened(3), shortened(1)];
  const found = tries.find((tried) => excess(tried) <= 0) ?? shortest;
  return textOf(found, waitedSeconds, facts);
}

/** Escaped before it is measured: an escape is wider than what it stands for. */
function escaped(facts: WaitFacts): WaitFacts {
  const holders = facts.holders.map((holder) =>
    Object.assign({}, holder, { command: escapeControls(holder.command) }),
  );
  const info = facts.info === undefined ? undefined : escapeControls(facts.info);
  return { ...facts, holders, info };
}

interface Shortening {
  name: string;
  /** How wide the message of a holder may be. */
  messageColumns: number;
  /** How many holders are named. */
  maxNamed: number;
}

function textOf(
  { name, messageColumns, maxNamed }: Shortening,
  waitedSeconds: number,
  { place, waiting, holders, info }: WaitFacts,
): string {
  const waited = waitedSeconds < 1 ? "" : ` after ${durationText(waitedSeconds)}`;
  const queued = place === 1 ? "next for" : `${ordinal(place)} of ${waiting} for`;
  const begin = place === 0 ? "waiting for" : queued;
  const short = holders.map((holder) => {
    // Without a process the message is all that names it.
    const room = holder.pid === null ? Math.max(minTextColumns, messageColumns) : messageColumns;
    return Object.assign({}, holder, { command: cutToColumns(holder.command, room) });
  });
  const told = info === undefined ? undefined : cutToColumns(withoutDate(info), messageColumns);
  const held = holders.length === 0 ? "" : `, ${holdersText(short, { info: told, maxNamed })}`;
  return escapeControls(`${begin} lock "${name}"${waited}${held}`);
}
