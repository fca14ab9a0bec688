/** The words of a seat that say more than one thing: what is where in them. Pure. The seat itself is in layout.ts. */

interface EvictedWord {
  readonly evicted: number;
}

interface SlotsWord {
  readonly slots: number;
}

interface KindWord {
  readonly kind: number;
}

/** Whether a seat's rights were taken from it; and whether a unit that it may have got was adopted, too. */
export const evictions = { none: 0, evicted: 1, unitAdopted: 2 } as const;
/**
 * The low bits of a seat's `evicted` have one of {@link evictions}, the next 22 the process that forced the lock, or that
 * asked the seat to leave: PID_MAX_LIMIT of linux/threads.h. The last 8 tell its PID namespace from others.
 */
const evictionValues = 2 ** 2;
const processValues = 2 ** 22;
const evictorNamespaces = 2 ** 8;

/** One of {@link evictions}. */
export function evictionOf({ evicted }: EvictedWord): number {
  return evicted % evictionValues;
}

/**
 * What a seat's `evicted` is.
 *
 * @param eviction one of {@link evictions}
 * @param process who did it, or asked the seat to leave; 0 where nobody knows
 * @param namespace in which that is its number
 */
export function evictedBy(eviction: number, process: number, namespace = 0): number {
  const place = process === 0 ? 0 : shortNamespace(namespace);
  return eviction + (process + place * processValues) * evictionValues;
}

/** 0 for the host's first one alone. */
function shortNamespace(namespace: number): number {
  return namespace === 0 ? 0 : (namespace % (evictorNamespaces - 1)) + 1;
}

/** The process that forced the lock from a seat, or asked it to leave, 0 where nobody knows. */
export function evictorOf({ evicted }: EvictedWord): number {
  return (evicted >>> 2) % processValues;
}

/** Whether the number of {@link evictorOf} means the same in a namespace. */
export function isEvictorOf({ evicted }: EvictedWord, namespace: number): boolean {
  const place = Math.floor(evicted / (evictionValues * processValues));
  return place === shortNamespace(namespace);
}

/** The low half of a seat's `slots` has the number of slots, the other half the exit status and 1, once it was left. */
const exitStatusUnit = 2 ** 16;

export function slotsOf({ slots }: SlotsWord): number {
  return slots % exitStatusUnit;
}

/** The exit status of the command that ran under a hold that ended; null where nobody knows. */
export function seatExitStatus({ slots }: SlotsWord): number | null {
  return slots < exitStatusUnit ? null : Math.floor(slots / exitStatusUnit) - 1;
}

/** What a seat's `slots` is with an exit status. */
export function withExitStatus(seat: SlotsWord, exitStatus: number): number {
  return slotsOf(seat) + (exitStatus + 1) * exitStatusUnit;
}

/**
 * The low 8 bits of a seat's `kind` have its kind, the next ones {@link kindFlags}, the upper half the PID namespace in
 * which its process number means something: see process-number.ts.
 */
const kindValues = 2 ** 8;
const namespaceUnit = 2 ** 16;

/** What the `kind` of a seat says beside the kind. */
export const kindFlags = {
  /** While it waits, it leaves the queue to a newer one that says so, too. */
  newest: 2 ** 8,
  /** While it holds, it may be asked to leave by a newer one that says so, too. */
  replace: 2 ** 9,
  /** A newer one asked it to leave: its `evicted` has the process. */
  askedToLeave: 2 ** 10,
  /** That its participant ends is a release, and no death. */
  endsByRelease: 2 ** 11,
  /** It left the queue because too many waited already. */
  crowded: 2 ** 12,
  /** It left the queue because it waited, through others, for itself. */
  deadlocked: 2 ** 13,
} as const;

const allKindFlags = Object.values(kindFlags).reduce((all, flag) => all + flag);

/** One of `kinds` in queue.ts. */
export function seatKind({ kind }: KindWord): number {
  return kind % kindValues;
}

/** The PID namespace of a seat's process: see process-number.ts. */
export function namespaceOf({ kind }: KindWord): number {
  return Math.floor(kind / namespaceUnit);
}

/** What a seat's `kind` is with the PID namespace of its process. */
export function withNamespace({ kind }: KindWord, namespace: number): number {
  return (kind % namespaceUnit) + namespace * namespaceUnit;
}

export function hasKindFlag({ kind }: KindWord, flag: keyof typeof kindFlags): boolean {
  return (kind & kindFlags[flag]) !== 0;
}

/** What a seat's `kind` is with more flags. */
export function withKindFlags(
  { kind }: KindWord,
  ...flags: readonly (keyof typeof kindFlags)[]
): number {
  return flags.reduce((all, flag) => (all | kindFlags[flag]) >>> 0, kind);
}

/** Whether a participant might have written a seat's `kind`: the bits between flags and upper half are 0. */
export function isKindSane(seat: KindWord): boolean {
  const flags = (seat.kind % 2 ** 16) - seatKind(seat);
  return seatKind(seat) <= 2 && (flags & ~allKindFlags) === 0;
}

/** What a seat says of its participant; an older program writes 1 where it waits by futex, else 0. */
export const seatFlags = {
  /** It waits by futex, and so has to be woken. */
  usesFutex: 1,
  /** It leaves a mark at the semaphore while it has the unit in hand: see `markOf` in record.ts. */
  leavesMarks: 2,
} as const;
