/** Lines of a streamed answer: chunks end anywhere, and the last line may lack its end. */
import { LockServerError } from "../lock/errors.ts";

/** One event carries a key and its value, which etcd limits to 1.5 MiB together; base64 adds a third. */
const maxLineCharacters = 4 * 2 ** 20;

export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /**
   * The lines that a chunk completes.
   *
   * @throws {LockServerError} if a line grows without an end
   */
  push(chunk: Uint8Array): string[] {
    const parts = this.#decoder.decode(chunk, { stream: true }).split("\n");
    const last = parts.pop() ?? "";
    const [first] = parts;
    if (first === undefined) {
      this.#rest += last;
    } else {
      parts[0] = this.#rest + first;
      this.#rest = last;
    }
    if (this.#rest.length > maxLineCharacters) {
      throw new LockServerError("corrupt", "Cannot understand the lock server: a line has no end");
    }
    return parts.filter((line) => line.trim() !== "");
  }

  /** What is left when the stream has ended. */
  end(): string[] {
    const line = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return line.trim() === "" ? [] : [line];
  }
}
