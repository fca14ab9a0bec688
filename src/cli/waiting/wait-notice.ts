/** What a waiting command says on stderr: a line now and then, or on a terminal one live line. */
import type { Participant } from "../../host/ledger/participant.ts";
import type { ResourceLock } from "../../host/resource-lock.ts";
import { cutToColumns } from "../terminal/columns.ts";
import { escapeControls } from "../terminal/escape.ts";
import { holdersText, ordinal } from "../status/status-text.ts";
import { type NoticeOutput, standardError } from "../terminal/output.ts";

/** Who waits no longer than this needs no telling. */
const firstNoticeSeconds = 1;
const nextNoticeSeconds = 30;

/** For the ^C that a terminal echoes: it must not begin another line, which {@link WaitNotice.end} would leave. */
const spareColumns = 3;
const clearLine = "\r\u001B[K";

export class WaitNotice {
  readonly #lock: Pick<ResourceLock, "lockName" | "status" | "getLockInfo">;
  readonly #request: { participant: Pick<Participant, "position"> };
  readonly #output: NoticeOutput;
  #nextSeconds = firstNoticeSeconds;
  #lineShown = false;

  constructor(
    lock: Pick<ResourceLock, "lockName" | "status" | "getLockInfo">,
    request: { participant: Pick<Participant, "position"> },
    output: NoticeOutput = standardError,
  ) {
    this.#lock = lock;
    this.#request = request;
    this.#output = output;
  }

  /** Says what is waited for, where it is time to. To be called about once a second. */
  update(waitedSeconds: number): void {
    if (waitedSeconds < this.#nextSeconds) return;
    if (this.#output.live) {
      const text = escapeControls(`resourcelock: ${this.#text(waitedSeconds, true)}`);
      this.#output.raw(clearLine + cutToColumns(text, this.#output.columns() - spareColumns));
      this.#lineShown = true;
      return;
    }
    const first = this.#nextSeconds === firstNoticeSeconds;
    this.#output.line(this.#text(first ? undefined : waitedSeconds));
    this.#nextSeconds = first ? nextNoticeSeconds : this.#nextSeconds + nextNoticeSeconds;
  }

  /** Takes the live line away. */
  end(): void {
    if (this.#lineShown) this.#output.raw(clearLine);
    this.#lineShown = false;
  }

  /** A live line is cut at its end, so the place stands before the holder, whose text may be long. */
  #text(waitedSeconds: number | undefined, live = false): string {
    const since = waitedSeconds === undefined ? "" : ` for ${Math.floor(waitedSeconds)} s`;
    const { holders } = this.#lock.status();
    const held = holders.length === 0 ? "" : `, ${holdersText(holders)}`;
    const { place, waiting } = this.#request.participant.position();
    const queue = `${ordinal(place)} of ${waiting}`;
    const info = `; its info text: <${this.#lock.getLockInfo()}>`;
    const waits = `waiting for lock <${this.#lock.lockName}>${since}`;
    if (waiting <= 1) return `${waits}${held}${info}`;
    return live ? `${waits} as ${queue}${held}${info}` : `${waits}${held}; you are ${queue}${info}`;
  }
}
