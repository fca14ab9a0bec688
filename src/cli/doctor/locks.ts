/** What `doctor` finds about the locks on this host. */
import { LockCreateError } from "../../lock/errors.ts";
import { filesOfLock, isSemaphore, mayUse, semaphoresOnHost } from "../../host/objects/files.ts";
import { circlesOnHost } from "../../host/deadlock.ts";
import { intrusionAmong, intrusionText, type LockFile } from "../../host/objects/kinship.ts";
import { leftoversOnHost, locksOnHost } from "../../host/inventory/list.ts";
import type { LockState } from "../../lock/status.ts";
import type { Circle } from "../../lock/circle.ts";
import { objectsOf } from "../../lock/name.ts";
import { groupName, userName } from "../../posix/user.ts";
import { deadlockText } from "../status/deadlock-text.ts";
import { commandText, holdersText, holdSeconds, ungetText } from "../status/status-text.ts";
import { compareNaturally } from "../terminal/text.ts";
import { durationText } from "../terminal/time-text.ts";
import type { Finding } from "./finding.ts";

/** sizeof(sem_t) when a pointer has 32 bits. */
const semaphoreBytesOf32Bits = 16;
/** A lock that nothing but unget releases is worth a note after a day: it may have been forgotten. */
const forgottenSeconds = 24 * 3600;

export interface LockFindingsOptions {
  /** Whether to tell of each lock who may use it. */
  all: boolean;
  /** Holds that last longer get a warning; undefined for none. */
  heldOverSeconds?: number | undefined;
  nowSeconds: number;
  /** The servers whose locks they are, if those were given with --server. */
  server?: string | undefined;
}

/** A lock with its files, as the checks look at it. */
interface Examined {
  lock: LockState;
  files: readonly LockFile[];
  options: LockFindingsOptions;
}

type Told = Omit<Finding, "check" | "lock">;
type Check = (examined: Examined) => readonly Told[];

/** What there is to tell about each lock, by name. */
export function lockFindings(options: LockFindingsOptions): Finding[] {
  const locks = locksIfAny();
  const names = new Set(locks.map(({ name }) => name));
  const strange = semaphoresOnHost().filter(({ status }) => !isSemaphore(status));
  const strangeNames = new Set(strange.map(({ lockName }) => lockName));
  const told = [
    ...strange.map((file) => notASemaphore(file, names.has(file.lockName))),
    // Of those whose semaphore is none, that is said already.
    ...locks
      .filter(({ name }) => !strangeNames.has(name))
      .flatMap((lock) => findingsOf(lock, options)),
  ].toSorted((one, other) => compareNaturally(one.lock ?? "", other.lock ?? ""));
  const whole = locks.filter(({ exists }) => exists);
  const usable = whole.filter(({ name }) => filesOfLock(name).every(isUsable)).length;
  const count = whole.length;
  const text = count === 0 ? "None." : `${count}, of which you may use ${usable}.`;
  return [{ check: "locks", verdict: "ok", text }, ...told, ...circlesOnHost(whole).map(deadlock)];
}

/**
 * What there is to tell about the locks on a server: those that are held for long, and deadlocks.
 *
 * @param options.server what was given with --server, for the advice
 */
export function serverLockFindings(
  locks: readonly LockState[],
  circles: readonly Circle[],
  options: LockFindingsOptions,
): Finding[] {
  const told = locks.flatMap((lock) =>
    longHold({ lock, files: [], options }).map((one) =>
      Object.assign({ check: "server lock", lock: lock.name }, one),
    ),
  );
  const sorted = told.toSorted((one, other) => compareNaturally(one.lock, other.lock));
  return [...sorted, ...circles.map(deadlock)];
}

function findingsOf(lock: LockState, options: LockFindingsOptions): Finding[] {
  const examined = { lock, files: filesOfLock(lock.name), options };
  return checks.flatMap((check) =>
    check(examined).map((told) => Object.assign({ check: "lock", lock: lock.name }, told)),
  );
}

/** The locks, and what is left of others; none when there is no /dev/shm, which is told elsewhere. */
function locksIfAny(): LockState[] {
  try {
    return [...locksOnHost(), ...leftoversOnHost()];
  } catch (error) {
    if (error instanceof LockCreateError) return [];
    throw error;
  }
}

/** @param hasLedger whether this program has used it as a lock's */
function notASemaphore(
  { lockName, path, status }: LockFile & { lockName: string },
  hasLedger: boolean,
): Finding {
  const finding = { check: "lock", lock: lockName };
  if (status.isRegularFile && status.bytes === semaphoreBytesOf32Bits && !hasLedger) {
    return {
      ...finding,
      verdict: "warning",
      text: `${path} belongs to a 32-bit program, which cannot share the lock with 64-bit ones.`,
      advice: "Take another name, or delete the file once no program uses it.",
    };
  }
  const what = status.isRegularFile ? `has ${status.bytes} bytes instead of 32` : "is not a file";
  return {
    ...finding,
    verdict: "problem",
    text: `${path} is damaged: it ${what}.`,
    advice: deleteWhenUnused,
  };
}

/** One that stands, as its youngest waiter cannot give up: it is stopped, or a program that uses the library. */
function deadlock(circle: Circle): Finding {
  return {
    check: "lock",
    verdict: "problem",
    lock: circle[0]?.lockName ?? "",
    text: `Waiting would never end: ${deadlockText(circle)}.`,
    advice: "End one of these processes.",
  };
}

const deleteWhenUnused = "Delete it once no program uses the lock.";

const staleHolder: Check = ({ lock: { name, state, holders } }) =>
  state !== "stale"
    ? []
    : [
        {
          verdict: "warning",
          text: `${capitalized(holdersText(holders))}; the next waiter takes over.`,
          advice: `Check for half-finished work, then: ${commandText("unget", name)}`,
        },
      ];

const boundElsewhere: Check = ({ lock: { name, holders } }) =>
  holders
    .filter(({ attachment, namespacePid }) => attachment === "bound" && namespacePid !== undefined)
    .map(({ namespacePid }) => ({
      verdict: "note",
      text: `Bound to pid ${namespacePid} of another PID namespace: nobody here can tell when that ends, and takes over.`,
      advice: `Once it has ended: ${commandText("unget", name)}`,
    }));

const lostSemaphore: Check = ({ lock: { exists, state } }) =>
  exists || state === "leftover"
    ? []
    : [
        {
          verdict: "warning",
          text: "Its semaphore was deleted while in use, by hand or by systemd-logind at a logout: Python (cjnfuncs) programs do not see the holder.",
          advice: "The next run or get recreates it.",
        },
      ];

const leftover: Check = ({ lock: { state } }) =>
  state !== "leftover"
    ? []
    : [
        {
          verdict: "warning",
          text: "Its semaphore was deleted, by hand or by systemd-logind at a logout; the ledger is left.",
          advice: "The next run or get recreates it; resourcelock remove --stale deletes the rest.",
        },
      ];

const damaged: Check = ({ lock: { name, state, value }, files }) => {
  const broken = files.filter(({ status }) => !status.isRegularFile);
  if (broken.length > 0) {
    return broken.map(({ path }) => ({
      verdict: "problem",
      text: `${path} is not a file, so the lock cannot be used.`,
      advice: deleteWhenUnused,
    }));
  }
  const intrusion = intrusionAmong(files);
  if (intrusion !== undefined) {
    return [
      {
        verdict: "problem",
        text: `${intrusionText(intrusion)}, so the lock cannot be used.`,
        advice: "Delete that file, or take another name for the lock.",
      },
    ];
  }
  if (state !== "damaged") return [];
  if (value === null) {
    return [
      {
        verdict: "problem",
        text: "The lock cannot be used: its files are not those of a lock.",
        advice: `For more: ${commandText("state", name)}`,
      },
    ];
  }
  return [
    {
      verdict: "problem",
      text: "Its ledger is damaged: something else wrote to it. The lock cannot be used.",
      advice: `Delete ${objectsOf(name).ledgerPath} once no program uses the lock, then: ${commandText("unget", name)}`,
    },
  ];
};

const tooManyUnits: Check = ({ lock: { name, value }, files }) =>
  // A semaphore by itself may be one that another program counts with.
  value === null || value <= 1 || files.length <= 1
    ? []
    : [
        {
          verdict: "warning",
          text: `Its semaphore stands at ${value} instead of 0 or 1, so ${value} Python (cjnfuncs) programs can get the lock at once.`,
          advice: `Once nobody uses the lock: ${commandText("remove", name)}`,
        },
      ];

/** Holds that last: those without a process that may have been forgotten, and those over the time of one's choice. */
const longHold: Check = ({ lock: { name, state, holders }, options }) => {
  const { heldOverSeconds, nowSeconds, server } = options;
  const unget = ungetText(name, server);
  const seconds = holdSeconds(holders, nowSeconds);
  if (seconds === null || state !== "held") return [];
  if (heldOverSeconds !== undefined && seconds > heldOverSeconds) {
    return [
      {
        verdict: "warning",
        text: `${capitalized(holdersText(holders))}, longer than ${durationText(heldOverSeconds)}.`,
        advice: `If that is a mistake: ${unget}`,
      },
    ];
  }
  const isForgotten = holders.some(({ attachment }) => attachment === "detached");
  if (!isForgotten || seconds < forgottenSeconds) return [];
  return [
    {
      verdict: "note",
      text: `${capitalized(holdersText(holders))}.`,
      advice: `If it was forgotten: ${unget}`,
    },
  ];
};

const access: Check = ({ files, options: { all } }) => {
  const keepsOut = files.find((file) => !mayUse(file));
  const [shown] = keepsOut === undefined ? files : [keepsOut];
  if (shown === undefined || (!all && keepsOut === undefined)) return [];
  const whose = accessOfFile(shown);
  const may = keepsOut === undefined ? "you may use it" : "you may not use it";
  return [
    {
      verdict: keepsOut === undefined ? "ok" : "note",
      text: `Belongs to user ${whose.user}, group ${whose.group}, mode ${whose.mode}; ${may}.`,
      access: whose,
    },
  ];
};

/** In the order in which they are told. */
const checks: readonly Check[] = [
  staleHolder,
  boundElsewhere,
  lostSemaphore,
  leftover,
  damaged,
  tooManyUnits,
  longHold,
  access,
];

function isUsable(file: LockFile): boolean {
  return file.status.isRegularFile && mayUse(file);
}

/** As in pi (1000), gpio (997), 0660. */
function accessOfFile({
  status: { userId, groupId, mode },
}: LockFile): Required<Finding>["access"] {
  return {
    user: withNumber(userName(userId), userId),
    group: withNumber(groupName(groupId), groupId),
    mode: mode.toString(8).padStart(4, "0"),
  };
}

function withNumber(name: string | undefined, id: number): string {
  return name === undefined ? String(id) : `${name} (${id})`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
