/** A picture that fills a terminal and is drawn over itself, and what happens to the terminal meanwhile. */
import { isTerminal, isWritable, readFile } from "../../posix/file.ts";
import { isPosixError } from "../../posix/libc.ts";
import { dieBySignal, isIgnored, type SignalName } from "../../posix/process.ts";
import {
  giveSingleKeys,
  isInForeground,
  terminalSize,
  type TerminalSize,
} from "../../posix/terminal.ts";
import { OutputError, printText } from "./output.ts";

const stdin = 0;
const stdout = 1;
/** xterm's alternate screen, whose content is gone when it is left: what was on the terminal comes back. */
const enterScreen = "\u001B[?1049h\u001B[?25l";
const leaveScreen = "\u001B[?25h\u001B[?1049l";
const home = "\u001B[H";
const clearScreen = "\u001B[2J";
const clearToLineEnd = "\u001B[K";
const clearBelow = "\u001B[J";

/** Longer than any key's sequence. */
const maxKeyBytes = 64;

/**
 * The picture is drawn on the alternate screen; at the end the last one stays on the ordinary screen, below what was
 * there before.
 *
 * Not drawn are frames that the terminal would not take now (^S, a slow line), and all while the job is in the
 * background.
 */
export class LiveScreen {
  readonly #picture: (size: TerminalSize) => string[];
  readonly #handlers = new Map<SignalName, () => void>();
  #entered = false;
  #restoreKeys: (() => void) | undefined;

  /** @param picture gives the lines of a picture for a terminal of a size */
  constructor(picture: (size: TerminalSize) => string[]) {
    this.#picture = picture;
    this.#on("SIGWINCH", () => {
      // A terminal that became narrower has broken its lines.
      if (this.#entered) this.#say(clearScreen);
      this.draw();
    });
    // Whatever was done to the terminal while this process was stopped.
    this.#on("SIGCONT", () => {
      this.#entered = false;
      this.draw();
    });
    if (!isIgnored("SIGTSTP")) this.#on("SIGTSTP", () => this.#stop());
  }

  /** @throws {OutputError} when the terminal is gone */
  draw(): void {
    if (!isInForeground(stdout)) {
      this.#entered = false;
      return;
    }
    if (!isWritable(stdout)) return;
    const begin = this.#entered ? "" : enterScreen + clearScreen;
    if (!this.#entered) this.#enter();
    const size = terminalSize(stdout);
    const lines = this.#picture(size).slice(0, size.lines);
    // At the right edge the cursor still stands on the last character, which clearing would take away.
    const ended = lines.map((line) =>
      Bun.stringWidth(line) < size.columns ? line + clearToLineEnd : line,
    );
    printText(
      begin + home + ended.join("\r\n") + (lines.length < size.lines ? `\r\n${clearBelow}` : ""),
    );
  }

  /** What was typed since the last call; nothing when standard input is no terminal. */
  typed(): string {
    if (this.#restoreKeys === undefined || !isInForeground(stdin)) return "";
    const bytes = new Uint8Array(maxKeyBytes);
    try {
      return new TextDecoder().decode(bytes.subarray(0, readFile(stdin, bytes)));
    } catch (error) {
      if (isPosixError(error, "EAGAIN", "EINTR", "EIO")) return "";
      throw error;
    }
  }

  /** Leaves the last picture on the ordinary screen, and the terminal as it was. @param last its lines */
  end(last: (size: TerminalSize) => string[]): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
    this.#handlers.clear();
    if (!this.#entered) return;
    this.#leave();
    const size = terminalSize(stdout);
    const lines = last({ ...size, lines: size.lines - 1 });
    if (lines.length > 0) this.#say(`${lines.join("\n")}\n`);
  }

  #enter(): void {
    this.#entered = true;
    if (!isTerminal(stdin) || !isInForeground(stdin)) return;
    // Again after each stop, as a shell sets its own modes meanwhile.
    const restore = giveSingleKeys(stdin);
    this.#restoreKeys ??= restore;
  }

  #leave(): void {
    if (this.#entered) this.#say(leaveScreen);
    this.#entered = false;
    this.#restoreKeys?.();
    this.#restoreKeys = undefined;
  }

  #say(text: string): void {
    // After ^S this would wait for ^Q.
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
    // The default is in force now; a handler that is added again is called again.
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
