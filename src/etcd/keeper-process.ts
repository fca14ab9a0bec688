/**
 * A keeper: keeps the lease of locks that another process has taken, until they are released, or nothing runs under them
 * any more, or the process that they are bound to has ended.
 *
 * For the locks of `run` it watches that process as that one watches it: whichever of the two sees that the lease can
 * no longer be kept stops what runs under the locks.
 */
import { LockServerError } from "../lock/errors.ts";
import { bootSeconds } from "../posix/clock.ts";
import { targetOf } from "../posix/pipe.ts";
import { hasEnded } from "../posix/process-start.ts";
import { mapSharedPage } from "../posix/shared-page.ts";
import { Gateway } from "./gateway.ts";
import { keeperDescriptors, type KeeperJob, KeeperPage, type KeptLock } from "./keeper-job.ts";
import { revokeLease } from "./lease.ts";
import { removePlace } from "./release.ts";
import type { HeldKey } from "./renewal.ts";
import { Session, type SessionListener } from "./session.ts";
import { signalAll } from "./stop-all.ts";

const lookMilliseconds = 100;
/** How long the end of the lease is tried for. */
const releaseSeconds = 10;

/** Runs a keeper to its end. The job comes by standard input, as others may read a command line. */
export async function runKeeper(): Promise<void> {
  // Only this program writes it, and a job of another form could do no more than its user can.
  const job: KeeperJob = await Bun.stdin.json();
  await keep(job);
}

async function keep(job: KeeperJob): Promise<void> {
  const gateway = new Gateway(job.gateway);
  const session = new Session(gateway, bootSeconds, job.lease);
  for (const lock of job.locks) session.hold(lock);
  const outcome = await ("wrapper" in job.of
    ? keepRun(job, job.of.wrapper, session)
    : keepBound(job.of, session));
  session.stopRenewing();
  // Keys that were deleted are the wrapper's to notice, under a lease that it can still ask about.
  if (outcome === "lost" || outcome === "deleted") return;
  if (outcome === "ended") {
    await releaseLocks(
      gateway,
      job.locks.filter(({ key }) => isHeld(session, key)),
    );
  }
  await revokeLease(gateway, job.lease.id, { seconds: releaseSeconds }).catch(ignoreServer);
}

type KeepingEnd = "released" | "ended" | "lost" | "deleted";

async function keepRun(job: KeeperJob, wrapper: number, session: Session): Promise<KeepingEnd> {
  const page = new KeeperPage(mapSharedPage(keeperDescriptors.page));
  session.shareRenewals(page, { isKeeper: true });
  if (job.stops) session.stopInTime();
  const target = targetOf(keeperDescriptors.hold);
  const keepers = new Set([process.pid, wrapper]);
  let isWrapperGone = false;
  const outcome = Promise.withResolvers<KeepingEnd>();
  session.listen({
    ...forgetDeleted(session, () => outcome.resolve("deleted")),
    onStop(step) {
      if (!job.stops) return;
      // While the other one lives, it is for that to ask the command to end.
      if (step === "term" && isWrapperGone) signalAll(target, "SIGTERM", keepers);
      if (step === "kill") signalAll(target, "SIGKILL", keepers);
      if (step === "kill") outcome.resolve("lost");
    },
    onLeaseGone: () => outcome.resolve("lost"),
  });
  const onEnd = () => outcome.resolve(page.isDone ? "released" : "ended");
  const onWrapperGone = () => {
    isWrapperGone = true;
    if (page.isDone) onEnd();
  };
  void endOfInput(keeperDescriptors.life).then(onWrapperGone);
  void endOfInput(keeperDescriptors.hold).then(onEnd);
  const look = setInterval(() => page.isDone && onEnd(), lookMilliseconds);
  return await outcome.promise.finally(() => clearInterval(look));
}

async function keepBound(
  { owner, ownerStart }: { owner: number; ownerStart: number },
  session: Session,
): Promise<KeepingEnd> {
  const outcome = Promise.withResolvers<KeepingEnd>();
  session.listen({
    ...forgetDeleted(session, () => outcome.resolve("released")),
    onStop: () => {},
    onLeaseGone: () => outcome.resolve("lost"),
  });
  const look = setInterval(
    () => hasEnded(owner, ownerStart) && outcome.resolve("ended"),
    lookMilliseconds,
  );
  // Whoever waits for the word lets go of the lock by it: that it is kept has to be sure.
  if (!(await session.renewNow())) return "lost";
  process.stdout.write("ready\n");
  return await outcome.promise.finally(() => clearInterval(look));
}

/** Locks that somebody has released by force are not kept any more. */
function forgetDeleted(
  session: Session,
  onNoneLeft: () => void,
): Pick<SessionListener, "onKeysGone"> {
  return {
    onKeysGone(keys: readonly HeldKey[], isSure: boolean) {
      if (!isSure) return;
      for (const held of keys) session.unhold(held);
      if (session.heldKeys.length === 0) onNoneLeft();
    },
  };
}

function isHeld(session: Session, key: string): boolean {
  return session.heldKeys.some((held) => held.key === key);
}

async function releaseLocks(gateway: Gateway, locks: readonly KeptLock[]): Promise<void> {
  for (const lock of locks) {
    const ending = { token: lock.token, ending: "released" } as const;
    const limits = { seconds: releaseSeconds };
    await removePlace(gateway, lock, ending, limits).catch(ignoreServer);
  }
}

/** What cannot be released is free when the lease ends. */
function ignoreServer(error: unknown): void {
  if (!(error instanceof LockServerError)) throw error;
}

/** Waits for the end of a pipe: until no process has its other side open. */
async function endOfInput(descriptor: number): Promise<void> {
  // Nothing is ever written to it.
  for await (const _ of Bun.file(descriptor).stream()) continue;
}
