/** What goes on beside a wait, once a second: its caller is told of it, and a deadlock is looked for. */
import type { Circle } from "../lock/circle.ts";

const tickMilliseconds = 1000;

export interface TickingWait {
  /** Tells the caller. */
  readonly notify: (() => void) | undefined;
  /** Looks whether the wait is part of a deadlock that it is to end; undefined where it cannot be. */
  readonly findCircle: (() => Promise<Circle | undefined>) | undefined;
  /** What the caller has thrown ends the wait. */
  readonly onError: (error: unknown) => void;
  readonly onCircle: (circle: Circle) => void;
}

/** @throws what the caller throws at once */
export function startWaitTicks({ notify, findCircle, onError, onCircle }: TickingWait): Disposable {
  notify?.();
  const notices = notify && setInterval(() => attempt(notify, onError), tickMilliseconds);
  const looks = findCircle && startLooks(findCircle, onCircle);
  return {
    [Symbol.dispose]() {
      clearInterval(notices);
      clearInterval(looks);
    },
  };
}

function attempt(act: () => void, onError: (error: unknown) => void): void {
  try {
    act();
  } catch (error) {
    onError(error);
  }
}

function startLooks(
  findCircle: () => Promise<Circle | undefined>,
  onCircle: (circle: Circle) => void,
): Timer {
  let isLooking = false;
  const look = async () => {
    // One that takes longer counts once: others count the looks in a row.
    if (isLooking) return;
    isLooking = true;
    // A server that is away is not asked: the wait itself tells.
    const circle = await findCircle().catch(() => {});
    isLooking = false;
    if (circle !== undefined) onCircle(circle);
  };
  return setInterval(() => void look(), tickMilliseconds);
}
