/** A picture at the end of the terminal that is drawn over itself, and what happens to the terminal meanwhile. */
import { isWritable } from "../../posix/file.ts";
import { dieBySignal, isIgnored, type SignalName } from "../../posix/process.ts";
import { isInForeground, terminalSize, type TerminalSize } from "../../posix/terminal.ts";
import { OutputError, printText } from "./output.ts";

const stdout = 1;
const hideCursor = "\u001B[?25l";
const showCursor = "\u001B[?25h";
const clearToLineEnd = "\u001B[K";
const clearBelow = "\u001B[J";

/**
 * The picture stays in the ordinary screen, under what was there before, and is left there at the end: the
 * alternate screen would take it away. The cursor rests on the line below it, where ^C is echoed.
 *
 * Not drawn are frames that the terminal would not take now (^S, a slow line), and all while the job is in the
 * background.
 */
export class LiveScreen {
  readonly #picture: (size: TerminalSize) => string[];
  /** The widths of the lines on the screen. */
  #widths: number[] = [];
  #cursorHidden = false;
  readonly #handlers = new Map<SignalName, () => void>();

  /** @param picture gives the lines of a picture that has room in a part of the terminal */
  constructor(picture: (size: TerminalSize) => string[]) {
    this.#picture = picture;
    this.#on("SIGWINCH", () => this.draw());
    // Whatever was done to the terminal while this process was stopped: the picture starts anew below it.
    this.#on("SIGCONT", () => {
      this.#forget();
      this.draw();
    });
    if (!isIgnored("SIGTSTP")) this.#on("SIGTSTP", () => this.#stop());
  }

  /** @throws {OutputError} where the terminal is gone */
  draw(): void {
    if (!isInForeground(stdout)) return this.#forget();
    if (!isWritable(stdout)) return;
    const size = terminalSize(stdout);
    const lines = this.#picture({ ...size, lines: size.lines - 1 });
    const widths = lines.map((line) => Bun.stringWidth(line));
    // At the right edge the cursor still stands on the last character, which clearing would take away.
    const text = lines.map(
      (line, index) => `${line}${(widths[index] ?? 0) < size.columns ? clearToLineEnd : ""}\r\n`,
    );
    const start = (this.#cursorHidden ? "" : hideCursor) + this.#toStart(size);
    [this.#cursorHidden, this.#widths] = [true, widths];
    printText(start + text.join("") + clearBelow);
  }

  /** From the cursor to where the picture starts: a terminal that became narrower has broken its lines. */
  #toStart({ columns, lines }: TerminalSize): string {
    const above = this.#widths.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
      0,
    );
    return above === 0 ? "\r" : `\r\u001B[${Math.min(above, lines - 1)}A`;
  }

  /** Leaves the last picture on the screen and the terminal as it was. */
  end(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
    this.#handlers.clear();
    this.#leave();
  }

  #leave(): void {
    if (this.#cursorHidden) this.#say(`\r${clearBelow}${showCursor}`);
    this.#cursorHidden = false;
  }

  /** The next picture is drawn where the cursor is then. */
  #forget(): void {
    if (this.#cursorHidden) this.#say(showCursor);
    [this.#widths, this.#cursorHidden] = [[], false];
  }

  #say(text: string): void {
    // Where ^S has stopped the terminal this would wait for ^Q.
    if (!isWritable(stdout)) return;
    try {
      printText(text);
    } catch (error) {
      // The terminal is gone: there is nothing to restore.
      if (!(error instanceof OutputError)) throw error;
    }
  }

  /** ^Z: stops as if there were no handler, and returns when the job goes on. */
  #stop(): void {
    this.#leave();
    dieBySignal("SIGTSTP");
    // The default is in force now; a handler that is put on anew is again called.
    const handler = this.#handlers.get("SIGTSTP");
    if (handler === undefined) return;
    process.off("SIGTSTP", handler);
    process.on("SIGTSTP", handler);
  }

  #on(name: SignalName, handler: () => void): void {
    this.#handlers.set(name, handler);
    process.on(name, handler);
  }
}
