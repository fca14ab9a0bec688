/** The file of a ledger: loaded into an image, stored from it, made longer and shorter. All but the checks under the mutex. */
import {
  addressOf,
  descriptorStatus,
  fileSize,
  readAt,
  truncateFile,
  writeFrom,
} from "../../posix/file.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import { EFBIG, PosixError } from "../../posix/libc.ts";
import { objectsOf } from "../../lock/name.ts";
import { explanation } from "../objects/explanation.ts";
import { statusIfThere } from "../objects/files.ts";
import { allocateSharedFile } from "../objects/shared-file.ts";
import { damagedLedger, entryBytes, LedgerImage, magic, pageBytes } from "./layout.ts";

export class LedgerFile {
  readonly #descriptor: number;
  readonly #lockName: string;
  readonly image = new LedgerImage();
  /** Where the bytes of the image are in memory. */
  #address = addressOf(this.image.bytes);
  #compared: Buffer | undefined;
  /** What was read in passing: the image stays what was read under the mutex. */
  #glance: LedgerImage | undefined;

  constructor(descriptor: number, lockName: string) {
    this.#descriptor = descriptor;
    this.#lockName = lockName;
  }

  /** Asks the kernel whether the file still has its name. */
  hasName(): boolean {
    return descriptorStatus(this.#descriptor).links > 0;
  }

  /** Reads the file; returns how many bytes of the image it has. What it lacks is zeros, which are valid. */
  read(): number {
    const { bytes } = this.image;
    const length = readAt(this.#descriptor, bytes);
    if (length < bytes.length) bytes.fill(0, length);
    return length;
  }

  /** Reads how many grants there were, without the mutex. */
  readGrants(): number {
    const image = (this.#glance ??= new LedgerImage());
    readAt(this.#descriptor, image.bytes);
    return image.header.grants;
  }

  /** Reads the file and tells whether it still says what the image says. Needs no mutex. */
  isUnchanged(): boolean {
    const { bytes } = this.image;
    if (this.#compared?.length !== bytes.length) this.#compared = Buffer.alloc(bytes.length);
    // All of it: what an earlier read has left in the buffer must not stand for what was cut off.
    if (readAt(this.#descriptor, this.#compared) !== bytes.length) return false;
    return this.#compared.equals(bytes) && this.hasName();
  }

  /**
   * Writes what was changed: the part in the first page by one system call, in which this process cannot be killed
   * half-way. An error may leave a part of it written: {@link Ledger.reread} tells what.
   *
   * @param first what is written first where one call is not enough: to take, the record; to leave, the seat
   */
  store(first: "record" | "seat"): void {
    const { changedBeyond } = this.image;
    if (first === "record") this.#storeFirstPage();
    for (const seat of changedBeyond) {
      if (first === "record") faultPoint("between");
      this.#storeRange(seat, seat);
      if (first === "seat") faultPoint("between");
    }
    changedBeyond.clear();
    if (first === "seat") this.#storeFirstPage();
  }

  #storeFirstPage(): void {
    const { firstChanged, lastChanged } = this.image;
    if (lastChanged < 0) return;
    this.#storeRange(firstChanged, lastChanged);
    this.image.firstPageStored();
  }

  #storeRange(from: number, to: number): void {
    const start = from * entryBytes;
    const length = (to + 1) * entryBytes - start;
    this.#explain(() => {
      const written = writeFrom(this.#descriptor, this.#address + start, length, start);
      // The pages are there, so it is the limit of file sizes that cut it short.
      if (written !== length) throw new PosixError("pwrite", EFBIG);
    });
  }

  /**
   * Begins the ledger anew, in place of whatever there was.
   *
   * @throws {LockDamagedError} if that was never a ledger: it is somebody's file of that name
   */
  begin(): void {
    if (!this.#mayHaveBeenLedger()) {
      const advice =
        "; if it is another program's file, take another name; if it is nobody's, delete it";
      throw damagedLedger(this.#lockName, "it was never one", advice);
    }
    truncateFile(this.#descriptor, 0);
    this.allocate(pageBytes);
    this.resizeImage(pageBytes);
    // Each grant writes the info text.
    this.image.begin(statusIfThere(objectsOf(this.#lockName).infoPath)?.writtenAt);
    this.store("record");
  }

  /** Whether the file has the mark of a ledger, or nothing but zeros. */
  #mayHaveBeenLedger(): boolean {
    const { header, bytes } = this.image;
    if (header.magic === magic) return true;
    return bytes.every((byte) => byte === 0) && fileSize(this.#descriptor) <= bytes.length;
  }

  /** Makes the file longer: its pages are there afterwards. @throws {LockCreateError} where /dev/shm is full */
  allocate(bytes: number): void {
    this.#explain(() => allocateSharedFile(this.#descriptor, bytes));
  }

  #explain(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof PosixError)) throw error;
      throw explanation(this.#lockName, objectsOf(this.#lockName).ledgerPath, error);
    }
  }

  /** Makes the file shorter. */
  truncate(bytes: number): void {
    truncateFile(this.#descriptor, bytes);
    this.resizeImage(bytes);
  }

  /** Makes the image as long as the file is, or is to be. */
  resizeImage(bytes: number): void {
    this.image.resize(bytes);
    this.#address = addressOf(this.image.bytes);
  }
}
