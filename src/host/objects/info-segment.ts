/** The shared memory segment that holds a lock's info text. */
import {
  closeFile,
  deleteIfSame,
  descriptorStatus,
  fileSize,
  readAt,
  writeAt,
} from "../../posix/file.ts";
import { ENOSPC, PosixError } from "../../posix/libc.ts";
import { decodeLockInfo } from "../../lock/info-text.ts";
import { allocateSharedFile, createSharedFile, type NewFile } from "./shared-file.ts";

/** How much of a segment is read at first: all of one that this program or Python has made. */
export const usualInfoBytes = 4096;
/** How much of a text counts; anybody can make a segment of any size. */
export const maxInfoBytes = 2 ** 20;

/**
 * Reads and writes by pread and pwrite. On /dev/shm these see the same pages as a peer's mapping; a
 * mapping of our own would end the process by SIGBUS if somebody shortened the file.
 */
export class InfoSegment {
  /** -1 once it is closed, so that a call fails instead of reaching another file. */
  #descriptor: number;
  #bytes: number;
  #buffer: Uint8Array | undefined;
  #text: Uint8Array | undefined;
  /** How much of the buffer was read last. */
  #readBytes = 0;
  #createdPath: string | undefined;

  /**
   * @param descriptor of the segment's file, which is this object's from now on
   * @param bytes what the file has
   */
  constructor(descriptor: number, bytes: number) {
    this.#descriptor = descriptor;
    this.#bytes = bytes;
  }

  /**
   * Makes a segment of zeros.
   *
   * @throws {PosixError} EEXIST, ENOSPC, EROFS ...
   */
  static create(path: string, file: NewFile): InfoSegment {
    const segment = new InfoSegment(createSharedFile(path, file), file.bytes);
    segment.#createdPath = path;
    return segment;
  }

  /** Whether the segment still has its name. */
  get isLinked(): boolean {
    return descriptorStatus(this.#descriptor).links > 0;
  }

  /** What the segment can hold. A segment that exists is used at the size it has, up to {@link maxInfoBytes}. */
  get bytes(): number {
    return Math.min(this.#bytes, maxInfoBytes);
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
    this.#buffer ??= new Uint8Array(Math.min(this.#bytes, usualInfoBytes));
    let length = readAt(this.#descriptor, this.#buffer);
    let end = this.#buffer.indexOf(0);
    if (end === -1 && length === usualInfoBytes && length < this.#bytes) {
      this.#buffer = new Uint8Array(Math.min(this.#bytes, maxInfoBytes));
      length = readAt(this.#descriptor, this.#buffer);
      end = this.#buffer.indexOf(0);
    }
    this.#readBytes = length;
    const bytes = end === -1 ? length : Math.min(end, length);
    // A view is dear, and most texts of a lock have one length.
    if (this.#text?.length !== bytes) this.#text = this.#buffer.subarray(0, bytes);
    return this.#text;
  }

  /** How long the text was that {@link readBytes} read last. */
  get textBytes(): number {
    return this.#text?.length ?? 0;
  }

  /** The first bytes of the segment as {@link readBytes} read them last, beyond the end of the text too. */
  headAsRead(bytes: number): Uint8Array {
    // Of a segment that was cut short, the buffer still has what an earlier call read.
    return this.#buffer?.subarray(0, Math.min(bytes, this.#readBytes)) ?? new Uint8Array();
  }

  /** @throws {PosixError} ENOSPC, where a peer made the segment without its pages and /dev/shm is full */
  write(bytes: Uint8Array): void {
    const written = writeAt(this.#descriptor, bytes);
    if (written !== bytes.length) throw new PosixError("pwrite", ENOSPC);
  }

  close(): void {
    closeFile(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Closes the segment, and deletes it if {@link create} has just made it. */
  discard(): void {
    if (this.#createdPath !== undefined) deleteIfSame(this.#createdPath, this.#descriptor);
    this.close();
  }
}
