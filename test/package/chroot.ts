/** A fresh Debian system to install into, with a /dev/shm of its own that nobody else sees. */
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { doWithout, haveTools } from "../support/binary.ts";
import { type Outcome, type TestProcess, runToEnd, start } from "../support/process.ts";
import { root, stdoutOf } from "../support/clone.ts";

const bases = join(root, "dist/debootstrap");

/** The first archive that apt on this machine takes packages from. */
async function mirror(): Promise<string> {
  const format = "$(COMPONENT) $(REPO_URI)";
  const targets = await runToEnd([
    "apt-get",
    "indextargets",
    "--format",
    format,
    "Created-By: Packages",
  ]);
  const [, uri] = /^main (\S+)$/m.exec(stdoutOf("apt-get indextargets", targets)) ?? [];
  if (uri === undefined) throw new Error(`apt has no archive with a component main`);
  return uri;
}

/** Makes the system that others are copies of, unless there is one from an earlier run. */
async function prepare(suite: string): Promise<Outcome> {
  const base = join(bases, suite);
  if (existsSync(base)) return { status: 0, stdout: "", stderr: "" };
  const part = `${base}.part`;
  // In a namespace of its own, so that none of its mounts outlives it.
  const script = 'rm -rf "$1"; mkdir -p "$1"; exec debootstrap --variant=minbase "$2" "$1" "$3"';
  const words = ["unshare", "--mount", "sh", "-c", script, "sh", part, suite, await mirror()];
  const outcome = await runToEnd(words, { deadlineSeconds: 900 });
  if (outcome.status === 0) renameSync(part, base);
  return outcome;
}

/** Whether there can be such systems here: for debootstrap, and to enter them. */
export function canChangeRoot(): boolean {
  if (!haveTools("debootstrap", "unshare", "nsenter", "chroot", "apt-get")) return false;
  return process.getuid?.() === 0 || doWithout("to be root: debootstrap");
}

/**
 * Whether the system of a release can be had.
 *
 * @param optional an archive may have dropped it
 */
export async function haveSystem(suite: string, { optional = false } = {}): Promise<boolean> {
  const outcome = await prepare(suite);
  if (outcome.status !== 0 && optional && /Failed getting release file/.test(outcome.stdout)) {
    console.warn(`skipping tests on ${suite}: the archive does not have it`);
    return false;
  }
  stdoutOf(`debootstrap ${suite}`, outcome);
  return true;
}

export class Chroot implements AsyncDisposable {
  readonly directory: string;
  readonly #holder: TestProcess;

  private constructor(directory: string, holder: TestProcess) {
    this.directory = directory;
    this.#holder = holder;
  }

  /** Makes a system of a release, as fresh as when it was installed. */
  static async of(suite: string): Promise<Chroot> {
    const directory = mkdtempSync(join(bases, `${suite}.`));
    const script = `set -e
      cp -a "$2/." "$1"
      # dpkg would wait for the disk at every file.
      echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/test"
      mount -t proc proc "$1/proc"
      mount -t tmpfs tmpfs "$1/dev/shm"
      echo mounted
      exec chroot "$1" cat`;
    const base = join(bases, suite);
    const holder = start(["unshare", "--mount", "sh", "-c", script, "sh", directory, base]);
    await holder.stdout.until("mounted\n");
    return new Chroot(directory, holder);
  }

  /** Runs a script in it, up to the first command that fails. */
  run(script: string): Promise<Outcome> {
    return this.start(script).end();
  }

  /** Starts a script in it. */
  start(script: string): TestProcess {
    const enter = ["nsenter", "--mount", "--root", "--wd", "--target", String(this.#holder.pid)];
    const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return start([...enter, "env", "-i", path, "HOME=/root", "sh", "-ec", script], {
      deadlineSeconds: 280,
    });
  }

  /** What a script prints that has to succeed. */
  async output(script: string): Promise<string> {
    return stdoutOf(script, await this.run(script));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.endInput();
    await this.#holder.end();
    rmSync(this.directory, { recursive: true });
  }
}
