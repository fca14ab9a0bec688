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
import type { Keeper } from "./engine.ts";
import type { Hold } from "./hold.ts";
import { type KeeperJob, KeeperPage, type KeptLock } from "./keeper-job.ts";
import type { Lease } from "./lease.ts";
import type { Session } from "./session.ts";
import { signalAll } from "./stop-all.ts";

const startAfterMilliseconds = 300;
/** A keeper that ends by itself is started again, but not for ever. */
const maxStarts = 4;
const readySeconds = 5;

export interface ProcessKeeperOptions {
  /** The words that start a keeper. */
  readonly program: readonly string[];
  readonly servers: string;
  /** Whether what runs under the lock is stopped when the lease cannot be kept. */
  readonly stops: boolean;
}

export class ProcessKeeper implements Keeper {
  readonly #options: ProcessKeeperOptions;
  #shared:
    | { page: KeeperPage; pageDescriptor: number; hold: Pipe; life: Pipe; target: string }
    | undefined;
  #process: Bun.Subprocess | undefined;
  #timer: Timer | undefined;
  #starts = 0;

  constructor(options: ProcessKeeperOptions) {
    this.#options = options;
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

  stop(): boolean {
    clearTimeout(this.#timer);
    if (this.#shared === undefined) return false;
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
    return this.#process?.exitCode === null;
  }

  #share(session: Session) {
    const pageDescriptor = createSharedPage();
    const page = new KeeperPage(mapSharedPage(pageDescriptor));
    session.shareRenewals(page);
    const hold = openPipe();
    return { page, pageDescriptor, hold, life: openPipe(), target: targetOf(hold.writeEnd) };
  }

  #startSoon(session: Session, locks: () => KeptLock[]): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(session, locks), startAfterMilliseconds);
    this.#timer.unref();
  }

  #start(session: Session, locks: () => KeptLock[]): void {
    const shared = this.#shared;
    if (shared === undefined || this.#starts >= maxStarts) return;
    this.#starts += 1;
    const job: KeeperJob = {
      servers: this.#options.servers,
      lease: session.lease,
      locks: locks(),
      of: { wrapper: process.pid },
      stops: this.#options.stops,
    };
    this.#process = Bun.spawn([...this.#options.program], {
      stdio: [
        Buffer.from(JSON.stringify(job)),
        "ignore",
        "ignore",
        shared.life.readEnd,
        shared.hold.readEnd,
        shared.pageDescriptor,
      ],
      // ^Z and ^C of the terminal do not reach it.
      detached: true,
      onExit: (_, exitCode) => {
        // It has nothing to keep any more.
        if (exitCode === 0) return;
        if (this.#shared === shared && !session.isGone) this.#startSoon(session, locks);
      },
    });
    this.#process.unref();
  }

  async bindTo({ kept }: Hold, lease: Lease, processId: number): Promise<void> {
    const ownerStart = processStart(processId);
    const job: KeeperJob = {
      servers: this.#options.servers,
      lease,
      locks: [kept],
      of: { owner: processId, ownerStart: ownerStart ?? 0 },
      stops: false,
    };
    const keeper = Bun.spawn([...this.#options.program], {
      stdio: [Buffer.from(JSON.stringify(job)), "pipe", "ignore"],
      detached: true,
    });
    keeper.unref();
    // It says so when it has renewed the lease once.
    const ready = keeper.stdout.getReader().read();
    const answer = await Promise.race([ready, Bun.sleep(readySeconds * 1000)]);
    if (answer?.value !== undefined) return;
    if (ownerStart === undefined || hasEnded(processId, ownerStart)) return;
    keeper.kill("SIGKILL");
    throw new LockServerError(
      "unavailable",
      `Cannot keep lock "${kept.name}" for process ${processId}: the process that is to renew its lease does not start`,
    );
  }
}
