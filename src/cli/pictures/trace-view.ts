/** What the keys of `trace` do: which lock is selected, and which page is shown. No terminal here. */

/** A key that means something. */
export type Key =
  | "up"
  | "down"
  | "pageUp"
  | "pageDown"
  | "first"
  | "last"
  | "open"
  | "back"
  | "release"
  | "yes"
  | "quit"
  | "other";

/** Which page is shown: all locks; the history of one; or the question whether to release one. */
export interface TraceView {
  page: "locks" | "history" | "question";
  selected: string | undefined;
}

/** The view after a key, and what the key asks for. */
export interface Pressed {
  view: TraceView;
  act?: "quit" | { release: string };
  /** Why the key does nothing. */
  say?: string;
}

const pageLocks = 10;

const sequences: Readonly<Record<string, Key>> = {
  "\u001B[A": "up",
  "\u001BOA": "up",
  k: "up",
  "\u001B[B": "down",
  "\u001BOB": "down",
  j: "down",
  "\u001B[5~": "pageUp",
  "\u001B[6~": "pageDown",
  "\u001B[H": "first",
  "\u001B[1~": "first",
  g: "first",
  "\u001B[F": "last",
  "\u001B[4~": "last",
  G: "last",
  "\r": "open",
  "\n": "open",
  "\u001B": "back",
  "\u007F": "back",
  u: "release",
  y: "yes",
  q: "quit",
};

/** One key: an escape sequence of ECMA-48, or a character. */
// oxlint-disable-next-line no-control-regex
const oneKey = /\u001B\[[\d;]*[A-Za-z~]|\u001BO[A-Z]|[^]/gu;

/** The keys in what a terminal sent. */
export function keysIn(text: string): Key[] {
  return (text.match(oneKey) ?? []).map((sequence) =>
    Object.hasOwn(sequences, sequence) ? (sequences[sequence] ?? "other") : "other",
  );
}

/** A lock that is shown. */
export interface ShownLock {
  readonly name: string;
  readonly isFree: boolean;
}

const selectFirst = "select a lock first: up/down";

/** Does what a key says. @param locks those that are shown, in their order */
export function press(view: TraceView, key: Key, locks: readonly ShownLock[]): Pressed {
  const { page, selected } = view;
  if (key === "quit") return { view, act: "quit" };
  if (page === "question") {
    const next = { view: { page: "locks", selected } } as const;
    return key === "yes" && selected !== undefined ? { ...next, act: { release: selected } } : next;
  }
  if (page === "history") {
    return { view: { page: "locks", selected } };
  }
  const index = locks.findIndex(({ name }) => name === selected);
  const to = (position: number) => {
    const found = locks[Math.max(0, Math.min(position, locks.length - 1))];
    return { view: { page, selected: found?.name } };
  };
  switch (key) {
    case "up":
      return to(index - 1);
    case "down":
      return to(index + 1);
    case "pageUp":
      return to(index - pageLocks);
    case "pageDown":
      return to(index + pageLocks);
    case "first":
      return to(0);
    case "last":
      return to(locks.length - 1);
    case "open":
      return index === -1 ? { view, say: selectFirst } : { view: { page: "history", selected } };
    case "release":
      return askToRelease(view, locks[index]);
    case "back":
      return { view: { page, selected: undefined } };
    default:
      return { view };
  }
}

function askToRelease(view: TraceView, lock: ShownLock | undefined): Pressed {
  if (lock === undefined) return { view, say: selectFirst };
  if (lock.isFree) return { view, say: `${lock.name} is free: there is nothing to release` };
  return { view: { page: "question", selected: lock.name } };
}
