/**
 * The side of `run` of a keeper process: a second process, in a session of its own, that renews the lease when this one
 * is stopped or killed, as this one does when that one is.
 *
 * It is started when the command has lived for a moment: most of the time that a short command takes would go into it.
 */
import { hasEnded, processStart } from "../posix/process-start.ts";
import { closeFile, duplicate } from "../posix/file.ts";
import { openPipe, type Pipe, targetOf } from "../posix/pipe.ts";
import { createSharedPage, mapSharedPage } from "../posix/shared-page.ts";
import { LockServerError } from "../lock/errors.ts";
import type { Keeper } from "./keeper.ts";
import type { Hold } from "./hold.ts";
import { type KeeperJob, KeeperPage, type KeptLock } from "./keeper-job.ts";
import type { Lease } from "./lease.ts";
import type { Session } from "./session.ts";
import { signalAll } from "./stop-all.ts";

const startAfterMilliseconds = 300;
/** A keeper that does not start, or ends by itself, is started again: each time later, up to this. */
const maxPauseMilliseconds = 10_000;
const readySeconds = 5;

export interface ProcessKeeperOptions {
  /** The words that start a keeper. */
  readonly program: readonly string[];
  /** Whether what runs under the lock is stopped when the lease cannot be kept. */
  readonly stops: boolean;
  /** Says something to the user that is no error. */
  readonly warn: (text: string) => void;
}

/** What both processes have. */
interface Shared {
  readonly page: KeeperPage;
  readonly pageDescriptor: number;
  readonly hold: Pipe;
  readonly life: Pipe;
  /** What tells the hold pipe from others. */
  readonly target: string;
}

export class ProcessKeeper implements Keeper {
  readonly #options: ProcessKeeperOptions;
  /** From {@link prepare} on. */
  #opened: Shared | undefined;
  /** What a session uses of that. */
  #shared: Shared | undefined;
  #process: Bun.Subprocess | undefined;
  #timer: Timer | undefined;
  /** How many times in a row it did not start, or ended by itself soon. */
  #failures = 0;
  #hasWarned = false;

  constructor(options: ProcessKeeperOptions) {
    this.#options = options;
  }

  get stops(): boolean {
    return this.#options.stops;
  }

  prepare(): void {
    this.#opened ??= openShared();
  }

  childDescriptor(session: Session, locks: () => KeptLock[], lowest: number): number {
    this.#shared ??= this.#share(session);
    this.#startSoon(session, locks);
    return duplicate(this.#shared.hold.writeEnd, lowest);
  }

  killAll(): void {
    if (this.#shared === undefined || !this.#options.stops) return;
    const keepers = [process.pid, this.#process?.pid].filter((pid) => pid !== undefined);
    signalAll(this.#shared.target, "SIGKILL", new Set(keepers));
  }

  stop({ endsLease } = { endsLease: true }): boolean {
    clearTimeout(this.#timer);
    if (this.#shared === undefined) return false;
    const keeper = this.#process;
    // One that was killed has no exit code either.
    const isThere = keeper?.exitCode === null && keeper.signalCode === null;
    // It lives no longer than the first process of its PID namespace, as a container has it.
    const isLeftToIt = isThere && endsLease && process.pid !== 1;
    // What it would have to do for its end takes processor time just when the next one is granted the lock.
    if (isThere && !isLeftToIt) keeper.kill("SIGKILL");
    const { page, pageDescriptor, hold, life } = this.#shared;
    this.#shared = undefined;
    page.finish();
    // The end of this pipe wakes it up.
    for (const descriptor of [
      life.writeEnd,
      life.readEnd,
      hold.writeEnd,
      hold.readEnd,
      pageDescriptor,
    ]) {
      closeFile(descriptor);
    }
    return isLeftToIt;
  }

  #share(session: Session): Shared {
    const shared = this.#opened ?? openShared();
    this.#opened = undefined;
    session.shareRenewals(shared.page);
    return shared;
  }

  #startSoon(session: Session, locks: () => KeptLock[]): void {
    clearTimeout(this.#timer);
    const milliseconds = startAfterMilliseconds * 2 ** this.#failures;
    const start = () => this.#start(session, locks);
    this.#timer = setTimeout(start, Math.min(milliseconds, maxPauseMilliseconds));
    this.#timer.unref();
  }

  #start(session: Session, locks: () => KeptLock[]): void {
    const shared = this.#shared;
    if (shared === undefined) return;
    const startedAt = performance.now();
    const fail = (cause: string | undefined) => {
      if (this.#shared !== shared || session.isGone) return;
      const isLongAgo = performance.now() - startedAt >= maxPauseMilliseconds;
      this.#failures = isLongAgo ? 0 : this.#failures + 1;
      if (cause !== undefined) this.#warnOnce(cause);
      this.#startSoon(session, locks);
    };
    try {
      this.#process = this.#spawn(shared, this.#jobOf(session, locks()), (exitCode) => {
        // It has nothing to keep any more.
        if (exitCode === 0) return;
        // Somebody who kills it knows.
        fail(exitCode === null ? undefined : `it ended with status ${exitCode}`);
      });
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  }

  #jobOf(session: Session, locks: KeptLock[]): KeeperJob {
    return {
      gateway: session.gateway.settings,
      lease: session.lease,
      locks,
      of: { wrapper: process.pid },
      stops: this.#options.stops,
    };
  }

  #spawn(
    { life, hold, pageDescriptor }: Shared,
    job: KeeperJob,
    onEnd: (exitCode: number | null) => void,
  ): Bun.Subprocess {
    const input = Buffer.from(JSON.stringify(job));
    const keeper = Bun.spawn([...this.#options.program], {
      stdio: [input, "ignore", "ignore", life.readEnd, hold.readEnd, pageDescriptor],
      // ^Z and ^C of the terminal do not reach it.
      detached: true,
      // It keeps no directory busy.
      cwd: "/",
      onExit: (_, exitCode) => onEnd(exitCode),
    });
    keeper.unref();
    return keeper;
  }

  #warnOnce(cause: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.warn(
      `the process that keeps the lock if this one is killed does not start: ${cause}; trying again`,
    );
  }

  async bindTo(session: Session, { kept }: Hold, lease: Lease, processId: number): Promise<void> {
    const ownerStart = processStart(processId);
    const job: KeeperJob = {
      gateway: session.gateway.settings,
      lease,
      locks: [kept],
      of: { owner: processId, ownerStart: ownerStart ?? 0 },
      stops: false,
    };
    const isReady = await this.#startBound(job);
    if (isReady || ownerStart === undefined || hasEnded(processId, ownerStart)) return;
    throw new LockServerError(
      "unavailable",
      `Cannot keep lock "${kept.name}" for process ${processId}: the process that is to renew its lease does not start`,
    );
  }

  /** @returns whether it says that it has renewed the lease; it is killed otherwise */
  async #startBound(job: KeeperJob): Promise<boolean> {
    let keeper: Bun.Subprocess<Buffer, "pipe", "ignore">;
    try {
      keeper = Bun.spawn([...this.#options.program], {
        stdio: [Buffer.from(JSON.stringify(job)), "pipe", "ignore"],
        detached: true,
        cwd: "/",
      });
    } catch {
      return false;
    }
    keeper.unref();
    const ready = keeper.stdout.getReader().read();
    const answer = await Promise.race([ready, Bun.sleep(readySeconds * 1000)]);
    if (answer?.value !== undefined) return true;
    keeper.kill("SIGKILL");
    return false;
  }
}

function openShared(): Shared {
  const pageDescriptor = createSharedPage();
  const page = new KeeperPage(mapSharedPage(pageDescriptor));
  const hold = openPipe();
  return { page, pageDescriptor, hold, life: openPipe(), target: targetOf(hold.writeEnd) };
}
