/** Lines from a descriptor, which is read with a blocking call unless the event loop has work to do meanwhile. */
import { UsageError } from "../arguments/words.ts";
import { readFile, waitReadable } from "../../posix/file.ts";
import { isPosixError } from "../../posix/libc.ts";

const newline = 0x0a;
const askAgainMilliseconds = 1000;
/** Between two looks when the event loop has to run meanwhile: first so long ... */
const minPauseMilliseconds = 5;
/** ... and half as long again each time, up to this. */
const maxPauseMilliseconds = 50;
/** A message and a name fit many times. */
const maxLineBytes = 64 * 1024;

const decoder = new TextDecoder();

const tooLong = () => new UsageError(`a request is longer than ${maxLineBytes} bytes`);

export class LineReader {
  readonly #descriptor: number;
  readonly #runsEventLoop: boolean;
  readonly #buffer = new Uint8Array(maxLineBytes);
  #start = 0;
  #end = 0;

  /** @param options.runsEventLoop whether something must go on while a line is waited for, such as a lease's renewal */
  constructor(descriptor: number, { runsEventLoop }: { runsEventLoop: boolean }) {
    this.#descriptor = descriptor;
    this.#runsEventLoop = runsEventLoop;
  }

  /**
   * Reads the next line, without its newline; the last one may lack it.
   *
   * @param interrupted called when a signal ended the wait, and again and again while it lasts: whether to stop
   * @returns undefined at the end of the input, or when `interrupted` says so
   * @throws {UsageError} for a line of over 64 KiB; the next call reads on after it
   */
  async next(interrupted: () => Promise<boolean>): Promise<string | undefined> {
    let isTooLong = false;
    for (;;) {
      const found = this.#buffer.subarray(this.#start, this.#end).indexOf(newline);
      if (found !== -1) {
        const line = this.#take(found, 1);
        if (isTooLong) throw tooLong();
        return line;
      }
      if (this.#end - this.#start === this.#buffer.length) {
        isTooLong = true;
        this.#start = this.#end;
      }
      this.#buffer.copyWithin(0, this.#start, this.#end);
      [this.#start, this.#end] = [0, this.#end - this.#start];
      const count = await this.#read(interrupted);
      if (count === undefined) return undefined;
      this.#end += count;
      if (count > 0) continue;
      if (isTooLong) {
        this.#start = this.#end;
        throw tooLong();
      }
      return this.#end === 0 ? undefined : this.#take(this.#end, 0);
    }
  }

  #take(length: number, separator: number): string {
    const bytes = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length + separator;
    return decoder.decode(bytes);
  }

  async #read(interrupted: () => Promise<boolean>): Promise<number | undefined> {
    for (let pause = minPauseMilliseconds; ; pause = Math.min(pause * 1.5, maxPauseMilliseconds)) {
      // A signal between the question and the call does not end the call, so that it is asked again in a while.
      const isReadable = waitReadable(
        this.#descriptor,
        this.#runsEventLoop ? 0 : askAgainMilliseconds,
      );
      if (!isReadable && (await interrupted())) return undefined;
      if (!isReadable && this.#runsEventLoop) await Bun.sleep(pause);
      if (!isReadable) continue;
      try {
        return readFile(this.#descriptor, this.#buffer.subarray(this.#end));
      } catch (error) {
        if (!isPosixError(error, "EAGAIN") && !isPosixError(error, "EINTR")) throw error;
      }
    }
  }
}
