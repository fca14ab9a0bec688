/** What `doctor` finds about the locks on this host. */
import { LockCreateError } from "../../lock/errors.ts";
import { filesOfLock, isSemaphore, mayUse, semaphoresOnHost } from "../../host/objects/files.ts";
import { intrusionAmong, intrusionText, type LockFile } from "../../host/objects/kinship.ts";
import { leftoversOnHost, locksOnHost } from "../../host/inventory/list.ts";
import type { LockState } from "../../lock/status.ts";
import { groupName, userName } from "../../posix/user.ts";
import type { Finding } from "./finding.ts";
import { holdersText } from "../status/status-text.ts";

/** sizeof(sem_t) where a pointer has 32 bits. */
const semaphoreBytesOf32Bits = 16;

/**
 * What there is to tell about each lock, by name.
 *
 * @param all whether to tell of each lock who may use it
 */
export function lockFindings(all: boolean): Finding[] {
  const locks = locksIfAny();
  const told = [
    ...semaphoresOnHost().flatMap(notASemaphore),
    ...locks.flatMap((lock) => findingsOf(lock, all)),
  ].toSorted(byLock);
  const whole = locks.filter(({ exists }) => exists);
  const count = whole.length;
  const usable = whole.filter(({ name }) => filesOfLock(name).every(isUsable)).length;
  const text = count === 0 ? "None is here." : `${count} here; this user may use ${usable}.`;
  return [{ check: "locks", verdict: "ok", text }, ...told];
}

function byLock({ lock: one = "" }: Finding, { lock: other = "" }: Finding): number {
  return one < other ? -1 : Number(one > other);
}

/** The locks, and what is left of others; none where there is no /dev/shm, which is told elsewhere. */
function locksIfAny(): LockState[] {
  try {
    return [...locksOnHost(), ...leftoversOnHost()];
  } catch (error) {
    if (error instanceof LockCreateError) return [];
    throw error;
  }
}

function notASemaphore({ lockName, path, status }: LockFile & { lockName: string }): Finding[] {
  if (isSemaphore(status)) return [];
  const finding = { check: "lock", lock: lockName };
  if (status.isRegularFile && status.bytes === semaphoreBytesOf32Bits) {
    return [
      {
        ...finding,
        verdict: "warning",
        text: `${path} is a semaphore of a 32-bit program, which cannot share it with 64-bit ones. The name cannot be used from here.`,
        advice: `Take another name; or delete the file, when no program uses it.`,
      },
    ];
  }
  const what = status.isRegularFile ? `has ${status.bytes} bytes instead of 32` : "is not a file";
  return [
    {
      ...finding,
      verdict: "problem",
      text: `${path} is damaged: it ${what}. The lock cannot be used.`,
      advice: "Delete it, when no program uses the lock.",
    },
  ];
}

function findingsOf(lock: LockState, all: boolean): Finding[] {
  const { name, state, exists, value, holders } = lock;
  const files = filesOfLock(name);
  const finding = { check: "lock", lock: name };
  const found: Finding[] = [];
  if (state === "stale") {
    found.push({
      ...finding,
      verdict: "warning",
      text: `It is ${holdersText(holders)}. What it did may be half done.`,
      advice: `See to that; resourcelock unget releases the lock, and remove --stale deletes it.`,
    });
  }
  if (!exists && state !== "leftover") {
    found.push({
      ...finding,
      verdict: "warning",
      text: "Its semaphore was deleted while the lock is in use: by hand, or by systemd-logind at a logout. Python peers would make another one, and get in beside the holder.",
      advice:
        "The next run or get makes the lock whole. Where systemd-logind deleted it, set RemoveIPC=no in logind.conf.",
    });
  }
  if (state === "leftover") {
    found.push({
      ...finding,
      verdict: "warning",
      text: "Its semaphore was deleted: by hand, or by systemd-logind at a logout. The ledger is left.",
      advice: "The next run or get makes the lock whole; resourcelock remove --stale deletes it.",
    });
  }
  const broken = files.filter(({ status }) => !status.isRegularFile);
  for (const { path } of broken) {
    found.push({
      ...finding,
      verdict: "problem",
      text: `${path} is not a file. The lock cannot be used.`,
      advice: "Delete it, when no program uses the lock.",
    });
  }
  const intrusion = intrusionAmong(files);
  if (intrusion !== undefined) {
    found.push({
      ...finding,
      verdict: "problem",
      text: `${intrusionText(intrusion)}. The lock cannot be used.`,
      advice: "Delete that file, or take another name for the lock.",
    });
  }
  const isExplained = broken.length > 0 || intrusion !== undefined;
  if (state === "damaged" && !isExplained && value === null) {
    found.push({
      ...finding,
      verdict: "problem",
      text: "The lock cannot be used: what is in its files is not a lock's.",
      advice: "resourcelock state NAME says more.",
    });
  }
  if (state === "damaged" && !isExplained && value !== null) {
    found.push({
      ...finding,
      verdict: "problem",
      text: "Its ledger is damaged: something else has written to it. As long as somebody has it open, the lock cannot be used.",
      advice: "When nobody uses the lock, the next run or get starts the ledger anew.",
    });
  }
  // A semaphore by itself may be one that another program counts with.
  if (value !== null && value > 1 && files.length > 1) {
    found.push({
      ...finding,
      verdict: "warning",
      text: `Its semaphore stands at ${value}, not at 0 or 1: a Python peer has released what it did not hold. So many peers would get it at once.`,
      advice: "When nobody uses the lock, delete it, and it is made anew: resourcelock remove NAME",
    });
  }
  const keepsOut = files.find((file) => !mayUse(file));
  const [shown] = keepsOut === undefined ? files : [keepsOut];
  if (shown !== undefined && (all || keepsOut !== undefined)) {
    const access = accessOf(shown);
    const may = keepsOut === undefined ? "this user may use it" : "this user may not use it";
    found.push({
      ...finding,
      verdict: keepsOut === undefined ? "ok" : "note",
      text: `It belongs to user ${access.user}, group ${access.group}, mode ${access.mode}: ${may}.`,
      access,
    });
  }
  return found;
}

function isUsable(file: LockFile): boolean {
  return file.status.isRegularFile && mayUse(file);
}

/** As in pi (1000), gpio (997), 0660. */
function accessOf({ status: { userId, groupId, mode } }: LockFile): Required<Finding>["access"] {
  return {
    user: withNumber(userName(userId), userId),
    group: withNumber(groupName(groupId), groupId),
    mode: mode.toString(8).padStart(4, "0"),
  };
}

function withNumber(name: string | undefined, id: number): string {
  return name === undefined ? String(id) : `${name} (${id})`;
}
