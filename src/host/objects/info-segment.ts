/** The shared memory segment that holds a lock's info text. */
import {
  closeFile,
  deleteFile,
  descriptorStatus,
  fileSize,
  openFile,
  readAt,
  writeAt,
} from "../../posix/file.ts";
import { ENOSPC, PosixError } from "../../posix/libc.ts";
import { decodeLockInfo } from "../../lock/info-text.ts";
import { allocateSharedFile, createSharedFile, type NewFile } from "./shared-file.ts";

/**
 * Reads and writes by pread and pwrite. On /dev/shm these see the same pages as a peer's mapping; a
 * mapping of our own would end the process by SIGBUS if somebody shortened the file.
 */
export class InfoSegment {
  readonly #descriptor: number;
  #bytes: number;
  #buffer: Uint8Array | undefined;
  #text: Uint8Array | undefined;
  #createdPath: string | undefined;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#bytes = fileSize(descriptor);
  }

  /** @throws {PosixError} ENOENT, EACCES, ELOOP ... */
  static open(path: string): InfoSegment {
    return new InfoSegment(openFile(path));
  }

  /**
   * Makes a segment of zeros.
   *
   * @throws {PosixError} EEXIST, ENOSPC, EROFS ...
   */
  static create(path: string, file: NewFile): InfoSegment {
    const segment = new InfoSegment(createSharedFile(path, file));
    segment.#createdPath = path;
    return segment;
  }

  /** Whether the segment still has its name. */
  get isLinked(): boolean {
    return descriptorStatus(this.#descriptor).links > 0;
  }

  /** What the segment can hold. A segment that exists is used at the size it has. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Gives a segment without any bytes its size: the peer that made it has died, or is about to do just this. */
  growFromEmpty(bytes: number): void {
    allocateSharedFile(this.#descriptor, bytes);
    this.#bytes = fileSize(this.#descriptor);
  }

  read(): string {
    return decodeLockInfo(this.readBytes());
  }

  /** What stands in the segment, up to its NUL or its end; the buffer is used again by the next call. */
  readBytes(): Uint8Array {
    this.#buffer ??= new Uint8Array(this.#bytes);
    const length = readAt(this.#descriptor, this.#buffer);
    const end = this.#buffer.indexOf(0);
    const bytes = end === -1 ? length : Math.min(end, length);
    // A view is dear, and most texts of a lock have one length.
    if (this.#text?.length !== bytes) this.#text = this.#buffer.subarray(0, bytes);
    return this.#text;
  }

  /** @throws {PosixError} ENOSPC, where a peer made the segment without its pages and /dev/shm is full */
  write(bytes: Uint8Array): void {
    const written = writeAt(this.#descriptor, bytes);
    if (written !== bytes.length) throw new PosixError("pwrite", ENOSPC);
  }

  close(): void {
    closeFile(this.#descriptor);
  }

  /** Closes the segment, and deletes it where {@link create} has just made it. */
  discard(): void {
    this.close();
    if (this.#createdPath !== undefined) deleteFile(this.#createdPath);
  }
}
