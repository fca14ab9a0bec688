/** A /dev/shm of a test's own, to fill up or take away, in a mount namespace where nobody else sees it. */
import { doWithout, haveTools } from "../support/binary.ts";
import { type Outcome, type TestProcess, binary, runToEnd, start } from "../support/process.ts";
import { filesOf } from "./lock-files.ts";

const isRoot = process.getuid?.() === 0;
/** Who is not root can be it in a user namespace. */
const unshare = ["unshare", ...(isRoot ? ["-m"] : ["-Urm"])];
const enter = [
  "nsenter",
  "--mount",
  ...(isRoot ? [] : ["--user", "--preserve-credentials"]),
  "--target",
];

/** Instead of /dev, a directory that has no more in it than a program needs. */
const hideDevices = [
  "mount -t tmpfs tmpfs /dev/shm",
  "touch /dev/shm/null",
  "mount --bind /dev/null /dev/shm/null",
  "mount --rbind /dev/shm /dev",
].join(" && ");

export class PrivateSharedMemory implements AsyncDisposable {
  readonly #holder: TestProcess;
  /** Its files, as a process outside of the namespace sees them. */
  readonly directory: string;

  private constructor(holder: TestProcess) {
    this.#holder = holder;
    this.directory = `/proc/${holder.pid}/root/dev/shm`;
  }

  /** Mounts a file system for /dev/shm. @param options of tmpfs, as in `size=16k` */
  static mount(options: string): Promise<PrivateSharedMemory> {
    return this.#hold(`mount -t tmpfs -o ${options} tmpfs /dev/shm`);
  }

  /** A host without /dev/shm. */
  static absent(): Promise<PrivateSharedMemory> {
    return this.#hold(hideDevices);
  }

  /** A host where /dev/shm is something else. */
  static notDirectory(): Promise<PrivateSharedMemory> {
    return this.#hold(`${hideDevices} && touch /dev/shm`);
  }

  static async #hold(mounting: string): Promise<PrivateSharedMemory> {
    const holder = start([...unshare, "sh", "-c", `set -e; ${mounting}; echo mounted; exec cat`]);
    await holder.stdout.until("mounted\n");
    return new PrivateSharedMemory(holder);
  }

  /** Runs the binary to its end. */
  resourcelock(...words: string[]): Promise<Outcome> {
    return this.run(binary, ...words);
  }

  /** Runs a command to its end. */
  run(...words: string[]): Promise<Outcome> {
    return runToEnd([...enter, String(this.#holder.pid), ...words]);
  }

  /** Starts a command, which is killed at the end of the test. */
  start(...words: string[]): TestProcess {
    return start([...enter, String(this.#holder.pid), ...words]);
  }

  /** Runs a script that has to succeed. */
  async prepare(script: string): Promise<void> {
    const { status, stderr } = await this.run("sh", "-ec", script);
    if (status !== 0) throw new Error(`Cannot prepare /dev/shm: ${stderr}`);
  }

  /** Leaves this many pages free. The file that takes the others is `filler`. */
  async fill(pages = 0): Promise<void> {
    await this.prepare(
      `dd if=/dev/zero of=/dev/shm/filler bs=4k 2>/dev/null || truncate -s -${pages * 4}k /dev/shm/filler`,
    );
  }

  /** All that was made in it, but for the filler. */
  get files(): Record<string, string> {
    const { filler: _, ...files } = filesOf("", this.directory);
    return files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.endInput();
    await this.#holder.end();
  }
}

/**
 * Whether there can be mount namespaces here. Where not, in CI that is a failure; elsewhere the tests are
 * skipped, with one line that says so.
 */
export async function haveMountNamespaces(): Promise<boolean> {
  if (!haveTools("unshare", "nsenter", "mount")) return false;
  const { status, stderr } = await runToEnd([
    ...unshare,
    "mount",
    "-t",
    "tmpfs",
    "tmpfs",
    "/dev/shm",
  ]);
  if (status === 0) return true;
  return doWithout(`a mount namespace: ${unshare.join(" ")}: ${stderr.trim()}`);
}
